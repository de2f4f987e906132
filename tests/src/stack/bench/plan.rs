//! What is measured, and how much of it.

use anyhow::{Context, Result, bail};

/// How much of each figure; nothing of one is an empty list or zero.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// Numbers of clients of `pgbench -S`.
    pub(super) clients: Vec<u32>,
    /// Transactions of each run.
    pub(super) transactions: u32,
    /// Logins, one after another.
    pub(super) logins: u32,
    /// Sizes of a `COPY`, in MiB.
    pub(super) copies: Vec<u64>,
    /// Times that each process is stopped and started again.
    pub(super) starts: usize,
}

impl Plan {
    /// `--quick` measures less of everything; `--only latency|logins|copy|starts` one thing,
    /// `--mebibytes N` sets the size of the copies.
    pub(super) fn parse(arguments: &[&str]) -> Result<Self> {
        let mut plan = Self {
            clients: vec![1, 8],
            transactions: 20_000,
            logins: 200,
            copies: vec![300, 1024],
            starts: 5,
        };
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("{word} needs a value"));
            match *word {
                "--quick" => plan = plan.quick(),
                "--only" => plan = plan.only(value()?)?,
                "--mebibytes" => plan.copies = vec![value()?.parse().context("--mebibytes")?],
                _ => bail!(
                    "usage: bench [--quick] [--only latency|logins|copy|starts] [--mebibytes N]"
                ),
            }
        }
        Ok(plan)
    }

    fn quick(self) -> Self {
        Self { transactions: 2_000, logins: 20, copies: vec![64], ..self }
    }

    fn only(self, what: &str) -> Result<Self> {
        let Self { clients, logins, copies, starts, transactions } = self;
        let nothing = Self { clients: vec![], transactions, logins: 0, copies: vec![], starts: 0 };
        Ok(match what {
            "latency" => Self { clients, ..nothing },
            "logins" => Self { logins, ..nothing },
            "copy" => Self { copies, ..nothing },
            "starts" => Self { starts, ..nothing },
            _ => bail!("--only takes latency, logins, copy or starts, not {what:?}"),
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
