//! What one run of one measurement found.

use std::time::Duration;

use crate::stack::terminal::spoken;

/// Times of many transactions, or of one transfer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Figures {
    /// Transactions, or MiB of a transfer: what processor time is counted for.
    pub(super) units: f64,
    pub(super) p50: Duration,
    pub(super) p99: Duration,
    /// From the first to the last.
    pub(super) took: Duration,
}

impl Figures {
    /// Of transactions that took `durations`, all of them together `took`.
    pub(super) fn of(mut durations: Vec<Duration>, took: Duration) -> Self {
        durations.sort_unstable();
        let at = |percent: usize| {
            let place = (durations.len() * percent / 100).min(durations.len().saturating_sub(1));
            durations.get(place).copied().unwrap_or_default()
        };
        let units = u32::try_from(durations.len()).unwrap_or(u32::MAX);
        Self { units: f64::from(units), p50: at(50), p99: at(99), took }
    }

    /// Of one thing that has `units` parts.
    pub(super) fn once(units: u32, took: Duration) -> Self {
        Self { units: f64::from(units), p50: took, p99: took, took }
    }

    pub(super) fn per_second(&self) -> f64 {
        self.units / self.took.as_secs_f64().max(f64::EPSILON)
    }

    /// For people who watch.
    pub(super) fn short(&self) -> String {
        let (p50, p99) = (spoken(self.p50), spoken(self.p99));
        format!("p50 {p50:>10}   p99 {p99:>10}   {:>10.0} a second", self.per_second())
    }
}

/// The one in the middle.
pub(super) fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_sorted_list() {
        let second = Duration::from_secs(1);
        let figures = Figures::of((1..=100).rev().map(Duration::from_millis).collect(), second);
        assert_eq!(figures.p50, Duration::from_millis(51));
        assert_eq!(figures.p99, Duration::from_millis(100));
        assert!((figures.per_second() - 100.0).abs() < 1e-9);
        assert_eq!(Figures::of(Vec::new(), second).p50, Duration::ZERO);
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert!((median(vec![9.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!(median(Vec::new()).abs() < 1e-9);
    }
}
