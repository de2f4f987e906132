//! What is measured.

use std::fmt;

use anyhow::Result;

use super::{Figures, load, plan::Plan};
use crate::Access;

/// One line of the table for each way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Measure {
    /// `pgbench -S` in this mode, with so many clients and transactions.
    Queries { mode: &'static str, clients: u32, transactions: u32 },
    /// `psql -c 'select 1'`, so many times.
    Logins(u32),
    /// `COPY` to standard output, in MiB.
    CopyOut(u32),
    /// `COPY` from standard input, in MiB.
    CopyIn(u32),
    /// A result of so many short rows.
    SmallRows(u32),
}

impl Measure {
    pub(super) fn all(plan: &Plan) -> Vec<Self> {
        let mut all = Vec::new();
        for clients in plan.clients.iter().copied() {
            for mode in ["simple", "extended", "prepared"] {
                all.push(Self::Queries {
                    mode,
                    clients,
                    transactions: plan.transactions / clients,
                });
            }
        }
        all.extend((0 < plan.logins).then_some(Self::Logins(plan.logins)));
        for mebibytes in plan.copies.iter().copied() {
            all.extend([Self::CopyOut(mebibytes), Self::CopyIn(mebibytes)]);
        }
        all.extend((0 < plan.rows).then_some(Self::SmallRows(plan.rows)));
        all
    }

    pub(super) async fn take(self, access: &Access) -> Result<Figures> {
        match self {
            Self::Queries { mode, clients, transactions } => {
                load::pgbench(access, mode, clients, transactions).await
            }
            Self::Logins(count) => {
                let durations = load::logins(access, count).await?;
                let took = durations.iter().sum();
                Ok(Figures::of(durations, took))
            }
            Self::CopyOut(mebibytes) => {
                Ok(Figures::once(mebibytes, load::copy_out(access, mebibytes).await?))
            }
            Self::CopyIn(mebibytes) => {
                Ok(Figures::once(mebibytes, load::copy_in(access, mebibytes).await?))
            }
            Self::SmallRows(count) => {
                Ok(Figures::once(count, load::small_rows(access, count).await?))
            }
        }
    }

    /// What processor time is counted for.
    pub(super) const fn unit(self) -> &'static str {
        match self {
            Self::Queries { .. } => "query",
            Self::Logins(_) => "login",
            Self::CopyOut(_) | Self::CopyIn(_) => "MiB",
            Self::SmallRows(_) => "row",
        }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queries { mode, clients, .. } => write!(f, "pgbench -S {mode} -c {clients}"),
            Self::Logins(count) => write!(f, "{count} logins"),
            Self::CopyOut(mebibytes) => write!(f, "COPY {mebibytes} MiB out"),
            Self::CopyIn(mebibytes) => write!(f, "COPY {mebibytes} MiB in"),
            Self::SmallRows(count) => write!(f, "{count} small rows"),
        }
    }
}
