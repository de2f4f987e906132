//! Durations by case, and how they compare.

use std::{
    io::{Write, stdout},
    time::Duration,
};

use anyhow::Result;

/// Durations of each case; the others are compared with the first.
#[derive(Default)]
pub(crate) struct Times(Vec<(&'static str, Vec<Duration>)>);

/// The cases in the order of this round: none is always before another.
pub(crate) fn turns<T>(cases: &[T], round: usize) -> impl Iterator<Item = &T> {
    cases.iter().cycle().skip(round % cases.len().max(1)).take(cases.len())
}

impl Times {
    pub(crate) fn note(&mut self, case: &'static str, took: Duration) {
        match self.0.iter_mut().find(|(known, _)| *known == case) {
            Some((_, all)) => all.push(took),
            None => self.0.push((case, vec![took])),
        }
    }

    /// Prints a line for each case, under what was tried.
    pub(crate) fn print(mut self, what: &str) -> Result<()> {
        let (mut out, mut first) = (stdout().lock(), None);
        writeln!(out, "\n{what}")?;
        for (case, all) in &mut self.0 {
            all.sort_unstable();
            let [p10, p50, p90] = [10, 50, 90].map(|share| millis(all, share));
            let (of_p50, of_p90) = *first.get_or_insert((p50, p90));
            let ratio = |value: f64, of: f64| value / of.max(f64::EPSILON);
            writeln!(
                out,
                "  {case:28} p10 {p10:8.3} ms   median {p50:8.3} ms (× {:.3})   \
                 p90 {p90:8.3} ms (× {:.3})   of {}",
                ratio(p50, of_p50),
                ratio(p90, of_p90),
                all.len(),
            )?;
        }
        Ok(())
    }
}

/// The time that `share` percent of them, which are sorted, stay under.
fn millis(sorted: &[Duration], share: usize) -> f64 {
    let at = sorted.get(sorted.len() * share / 100).copied().unwrap_or_default();
    at.as_secs_f64() * 1000.0
}
