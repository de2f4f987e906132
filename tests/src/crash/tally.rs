//! What came of all runs: a table, and the same as JSON.

use std::{collections::BTreeMap, fmt::Write};

use serde_json::{Value, json};

use super::{plan::Plan, settle::Report};

/// Everything that was counted.
#[derive(Debug, Default)]
pub struct Tally {
    seed: u64,
    runs: u64,
    rows: BTreeMap<String, Row>,
    reasons: BTreeMap<String, u64>,
    violations: Vec<String>,
}

/// Of one case, or of all.
#[derive(Debug, Default, Clone)]
struct Row {
    runs: u64,
    missed: u64,
    sessions: u64,
    survived: u64,
    verified: u64,
    packets: u64,
    through: u64,
    lost: u64,
    violations: u64,
}

impl Tally {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// How many runs are in it.
    #[must_use]
    pub const fn runs(&self) -> u64 {
        self.runs
    }

    /// All that is wrong; nothing when all is well.
    #[must_use]
    pub fn violations(&self) -> &[String] {
        &self.violations
    }

    /// Bytes that came through and are not recorded.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.all().lost
    }

    pub(super) fn violated(&mut self, words: String) {
        self.violations.push(words);
    }

    /// The gateway did not get well again.
    pub(super) fn stopped(&mut self, plan: &Plan, error: &anyhow::Error) {
        let (number, cases) = (plan.number, plan.cases());
        self.violated(format!("run {number} ({cases}) could not be carried out: {error:#}"));
    }

    pub(super) fn add(&mut self, report: &Report) {
        self.runs += 1;
        // A run of two faults is its own line: which of them it was nobody can say.
        let row = self.rows.entry(report.cases.join(" + ")).or_default();
        row.runs += 1;
        row.missed += u64::try_from(report.missed.len()).unwrap_or(u64::MAX);
        row.sessions += report.sessions;
        row.survived += report.survived;
        row.verified += report.verified;
        row.packets += report.packets;
        row.through += report.through;
        row.lost += report.lost;
        row.violations += u64::try_from(report.violations.len()).unwrap_or(u64::MAX);
        for reason in &report.ended {
            *self.reasons.entry(reason.clone()).or_default() += 1;
        }
        self.violations.extend(report.violations.iter().cloned());
    }

    fn all(&self) -> Row {
        self.rows.values().fold(Row::default(), |all, row| Row {
            runs: all.runs + row.runs,
            missed: all.missed + row.missed,
            sessions: all.sessions + row.sessions,
            survived: all.survived + row.survived,
            verified: all.verified + row.verified,
            packets: all.packets + row.packets,
            through: all.through + row.through,
            lost: all.lost + row.lost,
            violations: all.violations + row.violations,
        })
    }

    /// For people.
    pub(crate) fn table(&self) -> String {
        let mut table = String::new();
        let _ = writeln!(
            table,
            "\n{:<48}{:>6}{:>8}{:>10}{:>8}{:>10}{:>10}{:>9}{:>6}",
            "fault", "runs", "missed", "sessions", "whole", "verified", "packets", "MiB", "lost"
        );
        let all = ("all".to_owned(), self.all());
        for (name, row) in self.rows.iter().chain([(&all.0, &all.1)]) {
            let Row { runs, missed, sessions, survived, verified, packets, through, lost, .. } =
                row;
            let mebibytes = through / 1_048_576;
            let _ = writeln!(
                table,
                "{name:<48}{runs:>6}{missed:>8}{sessions:>10}{survived:>8}{verified:>10}{packets:>10}{mebibytes:>9}{lost:>6}"
            );
        }
        let _ =
            writeln!(table, "\nmissed: the step was not come to, and the fault came without it");
        let reasons = self.reasons.iter().map(|(reason, count)| format!("{reason} {count}"));
        let _ = writeln!(table, "ended by: {}", reasons.collect::<Vec<_>>().join(", "));
        let _ = writeln!(
            table,
            "seed {}, {} runs, {} bytes lost, {} violations",
            self.seed,
            self.runs,
            self.lost(),
            self.violations.len()
        );
        for violation in &self.violations {
            let _ = writeln!(table, "  {violation}");
        }
        table
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        let row = |row: &Row| {
            json!({
                "runs": row.runs, "steps_missed": row.missed, "sessions": row.sessions,
                "survived": row.survived, "verified": row.verified, "packets": row.packets,
                "bytes_through": row.through, "bytes_lost": row.lost,
                "violations": row.violations,
            })
        };
        let rows: BTreeMap<&str, Value> =
            self.rows.iter().map(|(name, figures)| (name.as_str(), row(figures))).collect();
        json!({
            "seed": self.seed, "all": row(&self.all()), "faults": rows,
            "ended_by": self.reasons, "violations": self.violations,
        })
    }
}
