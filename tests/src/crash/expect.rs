//! Which sessions have to survive which fault.

use anyhow::{Result, bail};

use super::{
    fault::{Blow, Fault, Victim},
    load::Place,
};

/// What sessions are made to survive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Expect {
    /// Those survive that nothing of the victim's is a part of.
    Untouched,
    /// Those survive, too, that can be resumed at another edge, or when the victim is back.
    #[default]
    Resumes,
}

impl Expect {
    /// Reads `yes` or `no`.
    pub(super) fn parse(text: &str) -> Result<Self> {
        match text {
            "yes" => Ok(Self::Resumes),
            "no" => Ok(Self::Untouched),
            _ => bail!("--resumes takes yes or no, not {text:?}"),
        }
    }

    /// Whether a session at `place` has to survive all of `blows`.
    pub(super) fn survives(self, place: &Place, blows: &[Blow]) -> bool {
        blows.iter().all(|blow| match self {
            Self::Untouched => !touches(place, blow),
            Self::Resumes => !ends(place, blow),
        })
    }
}

/// Whether the victim is on the session's way.
fn touches(place: &Place, blow: &Blow) -> bool {
    match blow.case.victim {
        Victim::Edge(number) => place.edge == number || place.agent == number,
        Victim::Agent(number) => place.agent == number,
        Victim::Nats => true,
        // What decides, stores and tells is beside the way.
        Victim::Api | Victim::Writer(_) | Victim::Notifier | Victim::Postgres => false,
    }
}

/// Whether nothing could save the session.
fn ends(place: &Place, blow: &Blow) -> bool {
    match blow.case.victim {
        // A connection of the client's own is gone with who terminates it.
        Victim::Edge(number) => place.kind.is_native() && place.edge == number,
        // And the agent's to the target with the agent.
        Victim::Agent(number) => {
            place.agent == number && matches!(blow.case.fault, Fault::Kill | Fault::Terminate)
        }
        // It is back before anybody gives up.
        Victim::Nats => false,
        Victim::Api | Victim::Writer(_) | Victim::Notifier | Victim::Postgres => false,
    }
}
