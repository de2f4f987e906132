//! The life of a session, as one enum whose transitions consume it.
//!
//! ```text
//! Opening ──first packet recorded──▶ Open ──▶ Closed
//!    └──────────refused, or never begun──────────▲
//! ```

use std::str::FromStr;

use chrono::{DateTime, Utc};

use crate::{EndReason, SessionId};

/// Which way a packet travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// From the user to the target.
    In,
    /// From the target to the user.
    Out,
}

impl Direction {
    /// Both, in order.
    pub const BOTH: [Self; 2] = [Self::In, Self::Out];

    /// The name on subjects and in recordings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
        }
    }

    /// The other way.
    #[must_use]
    pub const fn reverse(self) -> Self {
        match self {
            Self::In => Self::Out,
            Self::Out => Self::In,
        }
    }
}

/// What a session is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verb {
    /// To speak with the target: a native client, a port, a terminal.
    Connect,
    /// To run one command and have its output.
    Exec,
}

/// A verb that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is connect or exec")]
pub struct InvalidVerb;

impl Verb {
    /// Every verb.
    pub const ALL: [Self; 2] = [Self::Connect, Self::Exec];

    /// The name on the wire and in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Exec => "exec",
        }
    }
}

impl FromStr for Verb {
    type Err = InvalidVerb;
    fn from_str(name: &str) -> Result<Self, InvalidVerb> {
        match name {
            "connect" => Ok(Self::Connect),
            "exec" => Ok(Self::Exec),
            _ => Err(InvalidVerb),
        }
    }
}

/// The share of all sessions that one audit-writer works on at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(u8);

impl Partition {
    /// How many there are. Enough to spread over a handful of writers; every one costs a
    /// consumer on the broker. It is part of the subjects, so it can't change while
    /// sessions are in transit.
    pub const COUNT: u8 = 8;

    /// The partition that `session` belongs to; every process computes the same.
    #[must_use]
    pub fn of(session: SessionId) -> Self {
        // The last byte of a UUID v7 is random.
        let [.., last] = *session.as_bytes();
        Self(last % Self::COUNT)
    }

    /// Every partition.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT).map(Self)
    }

    /// The partition with this number, if there is one.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        (number < Self::COUNT).then_some(Self(number))
    }

    /// The number, from 0.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// Where a session is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionState {
    /// Allowed by `api`; nothing is recorded yet.
    Opening {
        /// When it was allowed.
        authorized_at: DateTime<Utc>,
    },
    /// Its first packet is in the recording.
    Open {
        /// When that was.
        opened_at: DateTime<Utc>,
    },
    /// Over. There is no way out of here.
    Closed {
        /// When it began, if it did.
        opened_at: Option<DateTime<Utc>>,
        /// When it ended.
        closed_at: DateTime<Utc>,
        /// Why.
        reason: EndReason,
    },
}

/// A step that the life of a session does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a session that is {from} can't become {to}")]
pub struct IllegalTransition {
    from: &'static str,
    to: &'static str,
}

impl SessionState {
    /// The first packet was recorded at `now`.
    ///
    /// # Errors
    /// When the session is not [`Self::Opening`].
    pub fn open(self, now: DateTime<Utc>) -> Result<Self, IllegalTransition> {
        match self {
            Self::Opening { .. } => Ok(Self::Open { opened_at: now }),
            Self::Open { .. } | Self::Closed { .. } => {
                Err(IllegalTransition { from: self.as_str(), to: "open" })
            }
        }
    }

    /// The session ended at `now`.
    ///
    /// # Errors
    /// When it had ended before: the first reason stands.
    pub fn close(self, reason: EndReason, now: DateTime<Utc>) -> Result<Self, IllegalTransition> {
        let opened_at = match self {
            Self::Opening { .. } => None,
            Self::Open { opened_at } => Some(opened_at),
            Self::Closed { .. } => {
                return Err(IllegalTransition { from: self.as_str(), to: "closed" });
            }
        };
        Ok(Self::Closed { opened_at, closed_at: now, reason })
    }

    /// The name in the database and the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Opening { .. } => "opening",
            Self::Open { .. } => "open",
            Self::Closed { .. } => "done",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        crate::time::from_micros(second * 1_000_000)
    }

    #[test]
    fn a_session_opens_once_and_closes_once() {
        let session = SessionState::Opening { authorized_at: at(1) };
        let open = session.open(at(2)).unwrap();
        assert!(open.open(at(3)).is_err());
        let closed = open.close(EndReason::Killed, at(4)).unwrap();
        assert_eq!(
            closed,
            SessionState::Closed {
                opened_at: Some(at(2)),
                closed_at: at(4),
                reason: EndReason::Killed
            }
        );
        assert!(closed.close(EndReason::ClientClosed, at(5)).is_err());
        assert!(closed.open(at(5)).is_err());
    }

    #[test]
    fn a_session_may_end_before_it_began() {
        let session = SessionState::Opening { authorized_at: at(1) };
        assert!(matches!(
            session.close(EndReason::NeverOpened, at(2)),
            Ok(SessionState::Closed { opened_at: None, .. })
        ));
    }

    #[test]
    fn every_session_has_a_partition_that_exists() {
        for _ in 0..100 {
            let number = Partition::of(SessionId::generate()).number();
            assert!(Partition::from_number(number).is_some());
        }
        assert_eq!(Partition::from_number(Partition::COUNT), None);
    }
}
