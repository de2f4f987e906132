//! What is measured, and how much of it.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

/// How much of each figure; nothing of one is an empty list or zero.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// How often each way is measured; the median counts.
    pub(super) rounds: u32,
    /// Numbers of clients of `pgbench -S`.
    pub(super) clients: Vec<u32>,
    /// Transactions of each run, of all clients together.
    pub(super) transactions: u32,
    /// Logins, one after another.
    pub(super) logins: u32,
    /// Sizes of a `COPY`, in MiB.
    pub(super) copies: Vec<u32>,
    /// Short rows of one result.
    pub(super) rows: u32,
    /// Sessions that do nothing.
    pub(super) idle: u32,
    /// Times that each process is stopped and started again.
    pub(super) starts: usize,
    /// Where to write everything as JSON.
    pub(super) json: Option<PathBuf>,
}

const USAGE: &str = "usage: bench [--quick] [--rounds N] [--mebibytes N] [--json FILE] \
                     [--only latency|logins|copy|rows|idle|starts]";

impl Plan {
    /// `--quick` measures less of everything; `--only` one thing, `--mebibytes N` sets the size
    /// of the copies, `--rounds N` how often each way is measured.
    pub(super) fn parse(arguments: &[&str]) -> Result<Self> {
        let mut plan = Self {
            rounds: 5,
            clients: vec![1, 8],
            transactions: 20_000,
            logins: 200,
            copies: vec![300],
            rows: 500_000,
            idle: 200,
            starts: 5,
            json: None,
        };
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("{word} needs a value"));
            match *word {
                "--quick" => plan = plan.quick(),
                "--rounds" => plan.rounds = value()?.parse().context("--rounds")?,
                "--only" => plan = plan.only(value()?)?,
                "--mebibytes" => plan.copies = vec![value()?.parse().context("--mebibytes")?],
                "--json" => plan.json = Some(value()?.into()),
                _ => bail!("{USAGE}"),
            }
        }
        Ok(plan)
    }

    fn quick(self) -> Self {
        let (transactions, rows) = (2_000, 50_000);
        Self {
            rounds: 1,
            transactions,
            logins: 20,
            copies: vec![32],
            rows,
            idle: 20,
            starts: 1,
            ..self
        }
    }

    fn only(self, what: &str) -> Result<Self> {
        let (clients, copies) = (vec![], vec![]);
        let nothing =
            Self { clients, copies, logins: 0, rows: 0, idle: 0, starts: 0, ..self.clone() };
        Ok(match what {
            "latency" => Self { clients: self.clients, ..nothing },
            "logins" => Self { logins: self.logins, ..nothing },
            "copy" => Self { copies: self.copies, ..nothing },
            "rows" => Self { rows: self.rows, ..nothing },
            "idle" => Self { idle: self.idle, ..nothing },
            "starts" => Self { starts: self.starts, ..nothing },
            _ => bail!("--only takes latency, logins, copy, rows, idle or starts, not {what:?}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_can_be_measured_alone() {
        let plan = Plan::parse(&["--only", "copy", "--mebibytes", "7"]).unwrap();
        assert_eq!(plan.copies, [7]);
        assert!(plan.clients.is_empty() && plan.logins == 0 && plan.starts == 0);
    }

    #[test]
    fn what_it_does_not_know_is_an_error() {
        for words in [&["--fast"][..], &["--only", "tea"], &["--only"], &["--mebibytes", "x"]] {
            assert!(Plan::parse(words).is_err(), "{words:?}");
        }
    }
}
