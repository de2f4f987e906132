//! What can happen, to whom, and when.

use std::{fmt, time::Duration};

use hoop_runtime::step::Step;

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    /// SIGKILL, and a start some time later.
    Kill,
    /// SIGSTOP, and SIGCONT some time later.
    Stop,
    /// SIGTERM, and a start when it has ended.
    Terminate,
    /// Its connections to other parts are gone, and new ones refused, for some time.
    Cut,
    /// Its connections carry nothing for some time, and nobody is told.
    Mute,
}

/// Whom it happens to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Victim {
    /// The edge of this number.
    Edge(usize),
    Api,
    /// The audit-writer of this number.
    Writer(usize),
    Notifier,
    /// The agent of this number, which calls the edge of the same number.
    Agent(usize),
    /// The broker.
    Nats,
    /// The server of the state store, not the target's.
    Postgres,
}

/// A fault, its victim, and the step at which it comes, if not at any moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Case {
    pub(super) fault: Fault,
    pub(super) victim: Victim,
    pub(super) step: Option<Step>,
}

/// One fault of one run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Blow {
    pub(super) case: Case,
    /// Since all traffic flows.
    pub(super) after: Duration,
    /// How often the step is passed by, the last time included.
    pub(super) count: u64,
    /// How long the victim is away.
    pub(super) lasts: Duration,
    /// Whether a killed audit-writer loses its spool, too.
    pub(super) loses_disk: bool,
}

impl Fault {
    pub(super) const ALL: [Self; 5] =
        [Self::Kill, Self::Stop, Self::Terminate, Self::Cut, Self::Mute];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Stop => "stop",
            Self::Terminate => "term",
            Self::Cut => "cut",
            Self::Mute => "mute",
        }
    }
}

impl Victim {
    pub(super) const ALL: [Self; 10] = [
        Self::Edge(0),
        Self::Edge(1),
        Self::Api,
        Self::Writer(0),
        Self::Writer(1),
        Self::Notifier,
        Self::Agent(0),
        Self::Agent(1),
        Self::Nats,
        Self::Postgres,
    ];

    /// Its place among those that come back: nobody starts before what it waits for.
    pub(super) const fn comes_back(self) -> u8 {
        match self {
            Self::Postgres => 0,
            Self::Nats => 1,
            Self::Api => 2,
            Self::Edge(_) => 3,
            Self::Writer(_) | Self::Notifier => 4,
            Self::Agent(_) => 5,
        }
    }

    /// The steps that it can be caught at.
    fn steps(self) -> &'static [Step] {
        match self {
            Self::Edge(_) => &Step::EDGE,
            Self::Writer(_) => &Step::AUDIT_WRITER,
            _ => &[],
        }
    }
}

impl fmt::Display for Victim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Edge(number) => write!(f, "edge-{number}"),
            Self::Writer(number) => write!(f, "audit-writer-{number}"),
            Self::Agent(number) => write!(f, "agent-{number}"),
            Self::Api => f.write_str("api"),
            Self::Notifier => f.write_str("notifier"),
            Self::Nats => f.write_str("nats"),
            Self::Postgres => f.write_str("postgres"),
        }
    }
}

impl Case {
    /// Every case there is.
    pub(super) fn all() -> Vec<Self> {
        let pairs = Victim::ALL
            .into_iter()
            .flat_map(|victim| Fault::ALL.into_iter().map(move |fault| (fault, victim)));
        pairs
            .flat_map(|(fault, victim)| {
                let steps = victim.steps().iter().copied().map(Some);
                steps.chain([None]).map(move |step| Self { fault, victim, step })
            })
            .collect()
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.fault.name(), self.victim)?;
        self.step.map_or(Ok(()), |step| write!(f, " at {}", step.name()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_has_a_name_of_its_own() {
        let mut names: Vec<String> = Case::all().iter().map(ToString::to_string).collect();
        names.sort_unstable();
        names.dedup();
        // Ten victims at any moment, two edges at 3 steps, two audit-writers at 5.
        assert_eq!(names.len(), 5 * (10 + 2 * 3 + 2 * 5));
        assert!(names.contains(&"kill edge-0 at before_publish".to_owned()));
    }
}
