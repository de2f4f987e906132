//! All figures: medians, and how they compare with direct access.

use std::{collections::BTreeMap, fmt::Write, time::Duration};

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::{Figures, Measure, figures::median, ways::DIRECT};
use crate::stack::terminal::spoken;

type Used = BTreeMap<String, Duration>;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Table {
    measures: Vec<(Measure, Vec<Row>)>,
    /// Bytes per session that does nothing.
    memory: BTreeMap<String, u64>,
    /// What is compared with nothing.
    alone: Vec<Alone>,
    lacking: Vec<(&'static str, &'static str)>,
}

/// One way, with every round.
#[derive(Debug)]
struct Row {
    way: &'static str,
    rounds: Vec<(Figures, Used)>,
}

/// Times of something, and what their 99th percentile may be.
#[derive(Debug)]
struct Alone {
    what: String,
    figures: Figures,
    budget: Option<Duration>,
}

impl Alone {
    fn is_late(&self) -> bool {
        self.budget.is_some_and(|budget| budget < self.figures.p99)
    }
}

impl Row {
    fn median(&self, of: impl Fn(&Figures) -> f64) -> f64 {
        median(self.rounds.iter().map(|(figures, _)| of(figures)).collect())
    }

    /// Microseconds of processor time per unit, by process.
    fn processor(&self) -> BTreeMap<&str, f64> {
        let names = self.rounds.iter().flat_map(|(_, used)| used.keys());
        names.map(|name| (name.as_str(), self.processor_of(name))).collect()
    }

    fn processor_of(&self, name: &str) -> f64 {
        let per_unit = |(figures, used): &(Figures, Used)| {
            let used = used.get(name).copied().unwrap_or_default();
            used.as_secs_f64() * 1e6 / figures.units.max(1.0)
        };
        median(self.rounds.iter().map(per_unit).collect())
    }
}

impl Table {
    pub(super) fn add(
        &mut self,
        measure: &Measure,
        way: &'static str,
        figures: Figures,
        used: Used,
    ) {
        let known = self.measures.iter_mut().find(|(known, _)| known == measure);
        let Some((_, rows)) = known else {
            let rounds = vec![(figures, used)];
            self.measures.push((*measure, vec![Row { way, rounds }]));
            return;
        };
        match rows.iter_mut().find(|row| row.way == way) {
            Some(row) => row.rounds.push((figures, used)),
            None => rows.push(Row { way, rounds: vec![(figures, used)] }),
        }
    }

    pub(super) fn memory(&mut self, process: &str, bytes: u64) {
        self.memory.insert(process.to_owned(), bytes);
    }

    /// What is compared with nothing: times of something.
    pub(super) fn alone(&mut self, what: impl Into<String>, figures: Figures) {
        self.alone.push(Alone { what: what.into(), figures, budget: None });
    }

    /// The same, where the 99th percentile has a budget.
    pub(super) fn within(&mut self, what: impl Into<String>, figures: Figures, budget: Duration) {
        self.alone.push(Alone { what: what.into(), figures, budget: Some(budget) });
    }

    /// Refuses figures over their budget.
    ///
    /// # Errors
    /// Naming each of them.
    pub(super) fn judge(&self) -> Result<()> {
        let late = self.alone.iter().filter(|alone| alone.is_late());
        let late: Vec<&str> = late.map(|alone| alone.what.as_str()).collect();
        ensure!(late.is_empty(), "{} over the budget: {}", late.len(), late.join(", "));
        Ok(())
    }

    pub(super) fn lacks(&mut self, what: &'static str, why: &'static str) {
        self.lacking.push((what, why));
    }

    /// For people: as Markdown, so that it can go into the guide as it is.
    pub(super) fn text(&self) -> String {
        let mut text = String::from(
            "\n| what | way | p50 | p99 | per second | p50 × direct | processor µs per unit: sum (by process) |\n\
             | --- | --- | --: | --: | --: | --: | --- |\n",
        );
        for (measure, rows) in &self.measures {
            let direct = rows.iter().find(|row| row.way == DIRECT);
            let direct = direct.map_or(0.0, |row| row.median(seconds));
            for row in rows {
                let (p50, p99) = (row.median(seconds), row.median(|it| it.p99.as_secs_f64()));
                let _ = writeln!(
                    text,
                    "| {measure} | {} | {} | {} | {:.0} | {:.2} | {} |",
                    row.way,
                    spoken(Duration::from_secs_f64(p50)),
                    spoken(Duration::from_secs_f64(p99)),
                    row.median(Figures::per_second),
                    p50 / direct.max(f64::EPSILON),
                    processor(row, measure.unit()),
                );
            }
        }
        text.push('\n');
        for (process, bytes) in &self.memory {
            let _ = writeln!(text, "idle session: {process} {} KiB", bytes / 1024);
        }
        for alone in &self.alone {
            let Alone { what, figures, budget } = alone;
            let (p50, worst) = (spoken(figures.p50), spoken(figures.p99));
            let over = budget.filter(|_| alone.is_late()).map(spoken);
            let over = over.map(|budget| format!(" OVER the budget of {budget}"));
            let over = over.unwrap_or_default();
            let _ = writeln!(text, "{what}: median {p50}, longest {worst}{over}");
        }
        for (what, why) in &self.lacking {
            let _ = writeln!(text, "{what}: {why}");
        }
        text
    }

    /// For programs; times in microseconds.
    pub(super) fn json(&self) -> Value {
        let row = |row: &Row| {
            json!({
                "way": row.way,
                "rounds": row.rounds.len(),
                "p50_us": row.median(seconds) * 1e6,
                "p99_us": row.median(|figures| figures.p99.as_secs_f64()) * 1e6,
                "per_second": row.median(Figures::per_second),
                "took_us": row.median(|figures| figures.took.as_secs_f64()) * 1e6,
                "processor_us_per_unit": row.processor(),
            })
        };
        let measures: Vec<Value> = self
            .measures
            .iter()
            .map(|(measure, rows)| {
                json!({
                    "what": measure.to_string(), "unit": measure.unit(),
                    "ways": rows.iter().map(row).collect::<Vec<_>>(),
                })
            })
            .collect();
        let alone = |alone: &Alone| {
            json!({
                "what": alone.what, "p50_us": alone.figures.p50.as_secs_f64() * 1e6,
                "longest_us": alone.figures.p99.as_secs_f64() * 1e6,
                "over_budget": alone.is_late(),
            })
        };
        let alone: Vec<Value> = self.alone.iter().map(alone).collect();
        let lacking: BTreeMap<&str, &str> = self.lacking.iter().copied().collect();
        json!({ "measures": measures, "alone": alone, "idle_session_bytes": self.memory, "lacking": lacking })
    }
}

fn seconds(figures: &Figures) -> f64 {
    figures.p50.as_secs_f64()
}

fn processor(row: &Row, unit: &str) -> String {
    let each = row.processor();
    let sum: f64 = each.values().sum();
    if sum < 0.05 {
        return "–".to_owned();
    }
    let used = each.iter().filter(|(_, micros)| 0.05 <= **micros);
    let used: Vec<String> = used.map(|(name, micros)| format!("{name} {micros:.1}")).collect();
    format!("{sum:.1} a {unit} ({})", used.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_of_medians_and_processor_time_is_per_unit() {
        let mut table = Table::default();
        let measure = Measure::Logins(2);
        for (way, millis) in [(DIRECT, 10), (DIRECT, 12), (DIRECT, 90), ("one edge", 18)] {
            let took = Duration::from_millis(millis);
            let used = Used::from([("api".to_owned(), Duration::from_micros(8))]);
            table.add(&measure, way, Figures::once(4, took), used);
        }
        let text = table.text();
        assert!(
            text.contains("| 2 logins | one edge | 18.0 ms | 18.0 ms | 222 | 1.50 |"),
            "{text}"
        );
        assert!(text.contains("2.0 a login (api 2.0)"), "{text}");
        let json = table.json();
        assert_eq!(json["measures"][0]["ways"][0]["rounds"], 3);
    }

    #[test]
    fn what_is_over_its_budget_is_marked_and_judged() {
        let (mut table, budget) = (Table::default(), Duration::from_millis(50));
        let took = |millis| Figures::once(1, Duration::from_millis(millis));
        table.within("quick?", took(50), budget);
        table.alone("no budget", took(9_000));
        assert!(table.judge().is_ok() && !table.text().contains("OVER"), "{}", table.text());
        table.within("slow?", took(51), budget);
        let marked = table.text();
        let marked: Vec<&str> = marked.lines().filter(|line| line.contains("OVER")).collect();
        assert!(matches!(marked[..], [line] if line.starts_with("slow?: ")), "{marked:?}");
        assert_eq!(table.judge().unwrap_err().to_string(), "1 over the budget: slow?");
        assert_eq!(table.json()["alone"][2]["over_budget"], true);
    }
}
