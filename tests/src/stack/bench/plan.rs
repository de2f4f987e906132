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
    /// Times that an edge is killed under a session, at each of its ends.
    pub(super) pauses: u32,
    /// Agents that connect at once.
    pub(super) agents: u32,
    /// Sessions that are listed.
    pub(super) sessions: u32,
    /// Times that each process is stopped and started again.
    pub(super) starts: usize,
    /// Settings of processes: whose names begin with this, variable, value.
    pub(super) settings: Vec<(String, String, String)>,
    /// Where to write everything as JSON.
    pub(super) json: Option<PathBuf>,
    /// Whether a figure over its budget is a failure.
    pub(super) strict: bool,
}

const USAGE: &str = "usage: bench [--quick] [--strict] [--rounds N] [--mebibytes N] [--json FILE] \
                     [--set PROCESS:VARIABLE=VALUE] \
                     [--only latency|logins|copy|rows|idle|pauses|agents|lists|starts]";

impl Plan {
    /// `--quick` measures less of everything; `--only` one thing, `--mebibytes N` sets the size
    /// of the copies, `--rounds N` how often each way is measured. With `--strict`, a figure over
    /// its budget is a failure.
    pub(super) fn parse(arguments: &[&str]) -> Result<Self> {
        let mut plan = Self {
            rounds: 3,
            clients: vec![1, 8],
            transactions: 8_000,
            logins: 200,
            copies: vec![300],
            rows: 500_000,
            idle: 200,
            pauses: 5,
            agents: 1000,
            sessions: 1_000_000,
            starts: 5,
            settings: Vec::new(),
            json: None,
            strict: false,
        };
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("{word} needs a value"));
            match *word {
                "--quick" => plan = plan.quick(),
                "--strict" => plan.strict = true,
                "--rounds" => plan.rounds = value()?.parse().context("--rounds")?,
                "--only" => plan = plan.only(value()?)?,
                "--mebibytes" => plan.copies = vec![value()?.parse().context("--mebibytes")?],
                "--set" => plan.settings.push(setting(value()?)?),
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
            pauses: 1,
            agents: 50,
            sessions: 20_000,
            starts: 1,
            ..self
        }
    }

    fn only(self, what: &str) -> Result<Self> {
        let (clients, copies) = (vec![], vec![]);
        let nothing = Self {
            clients,
            copies,
            logins: 0,
            rows: 0,
            idle: 0,
            pauses: 0,
            agents: 0,
            sessions: 0,
            starts: 0,
            ..self.clone()
        };
        Ok(match what {
            "latency" => Self { clients: self.clients, ..nothing },
            "logins" => Self { logins: self.logins, ..nothing },
            "copy" => Self { copies: self.copies, ..nothing },
            "rows" => Self { rows: self.rows, ..nothing },
            "idle" => Self { idle: self.idle, ..nothing },
            "pauses" => Self { pauses: self.pauses, ..nothing },
            "agents" => Self { agents: self.agents, ..nothing },
            "lists" => Self { sessions: self.sessions, ..nothing },
            "starts" => Self { starts: self.starts, ..nothing },
            _ => bail!("--only does not know {what:?}; {USAGE}"),
        })
    }
}

/// Reads `PROCESS:VARIABLE=VALUE`.
fn setting(text: &str) -> Result<(String, String, String)> {
    let parts = text.split_once(':').and_then(|(process, rest)| {
        let (name, value) = rest.split_once('=')?;
        Some((process.to_owned(), name.to_owned(), value.to_owned()))
    });
    parts.with_context(|| format!("--set takes PROCESS:VARIABLE=VALUE, not {text:?}"))
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
    fn budgets_are_judged_where_that_is_wanted() {
        let strict = |words: &[&str]| Plan::parse(words).unwrap().strict;
        assert!(
            strict(&["--strict", "--only", "lists"]) && strict(&["--only", "lists", "--strict"])
        );
        assert!(!strict(&["--only", "lists"]));
    }

    #[test]
    fn what_it_does_not_know_is_an_error() {
        for words in [
            &["--fast"][..],
            &["--only", "tea"],
            &["--only"],
            &["--mebibytes", "x"],
            &["--set", "A=b"],
        ] {
            assert!(Plan::parse(words).is_err(), "{words:?}");
        }
    }
}
