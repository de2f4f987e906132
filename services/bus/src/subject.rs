//! Every NATS subject of the product, in one enum.
//!
//! | subject | what |
//! | --- | --- |
//! | `audit.<partition>.<session>.<in\|out>` | packets; the stream AUDIT keeps them |
//! | `audit.<partition>.<session>.<in\|out>.ack.<seq>.<publisher>` | the broker's receipt for a packet |
//! | `relay.<session>.<in\|out>` | what travels beside the packets and is not recorded |
//! | `relay.<session>.attach` | the agent's edge asks the client's edge to join a session |
//! | `relay.<session>.kill` | the session has to end |
//! | `relay.<session>.synced` | the audit-writer has packets of a `synced` session on its disk |
//! | `agent.<agent>.control` | an edge asks an edge that holds the agent to open a session |
//! | `agent.<agent>.revoked` | the agent's key is no longer valid |
//! | `control.<request>` | edges ask `api`, or tell it |
//! | `edges.cancel` | a PostgreSQL CancelRequest reached the wrong edge |
//! | `edges.wanted` | a client waits for an embedded agent: whichever edge it asks next sends for it |
//! | `events.<kind>` | what happened; the stream EVENTS keeps it |

use std::{fmt, str::FromStr};

use hoop_domain::{AgentId, Direction, Partition, SessionId};

/// What edges ask `api`, or tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ControlRequest {
    /// The SCRAM verifier of a native credential.
    Verifier,
    /// May this user open this connection?
    Authorize,
    /// Whose agent key is this?
    Agent,
    /// What an edge holds.
    Report,
    /// Whom an edge refused without asking. Nobody answers, and it is lost when no `api` is there.
    Refused,
}

impl ControlRequest {
    /// Every request.
    pub const ALL: [Self; 5] =
        [Self::Verifier, Self::Authorize, Self::Agent, Self::Report, Self::Refused];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verifier => "verifier",
            Self::Authorize => "authorize",
            Self::Agent => "agent",
            Self::Report => "report",
            Self::Refused => "refused",
        }
    }
}

/// A subject.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// Packets of one direction of a session.
    Audit {
        /// The session.
        session: SessionId,
        /// Which way they travel.
        direction: Direction,
    },
    /// The broker's receipt for one packet.
    Receipt {
        /// The session.
        session: SessionId,
        /// Which way the packet travels.
        direction: Direction,
        /// The packet's number.
        seq: u64,
        /// Who published it.
        publisher: u64,
    },
    /// What travels beside the packets.
    Relay {
        /// The session.
        session: SessionId,
        /// Which way it travels.
        direction: Direction,
    },
    /// The agent's edge asks to join.
    Attach {
        /// The session.
        session: SessionId,
    },
    /// The session has to end.
    Kill {
        /// The session.
        session: SessionId,
    },
    /// How much of a `synced` session is on the audit-writer's disk.
    Synced {
        /// The session.
        session: SessionId,
    },
    /// To an edge that holds the agent.
    AgentControl {
        /// The agent.
        agent: AgentId,
    },
    /// The agent's key was revoked.
    AgentRevoked {
        /// The agent.
        agent: AgentId,
    },
    /// A question to `api`, or news for it.
    Control(ControlRequest),
    /// A PostgreSQL CancelRequest for whoever knows its key.
    EdgesCancel,
    /// A client waits for an embedded agent.
    EdgesWanted,
    /// Something happened.
    Event {
        /// Such as `session.opened`.
        kind: String,
    },
}

/// Everything about one session's packets: `audit.<partition>.<session>.>`.
#[must_use]
pub fn audit_wildcard(session: SessionId) -> String {
    format!("audit.{}.{session}.>", Partition::of(session).number())
}

/// One session's packets and nothing else: `audit.<partition>.<session>.*`.
pub(crate) fn packets_of(session: SessionId) -> String {
    format!("audit.{}.{session}.*", Partition::of(session).number())
}

/// The receipts for one session's packets: `audit.<partition>.<session>.*.ack.>`.
pub(crate) fn receipts(session: SessionId) -> String {
    format!("audit.{}.{session}.*.ack.>", Partition::of(session).number())
}

/// Everything beside one session's packets: `relay.<session>.>`.
#[must_use]
pub fn relay_wildcard(session: SessionId) -> String {
    format!("relay.{session}.>")
}

/// Every agent's [`Subject::AgentRevoked`].
pub(crate) const REVOCATIONS: &str = "agent.*.revoked";

/// The packets of one partition: `audit.<partition>.*.*`.
#[must_use]
pub fn partition_filter(partition: Partition) -> String {
    format!("audit.{}.*.*", partition.number())
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Audit { session, direction } => {
                let partition = Partition::of(*session).number();
                write!(f, "audit.{partition}.{session}.{}", direction.as_str())
            }
            Self::Receipt { session, direction, seq, publisher } => {
                let (partition, way) = (Partition::of(*session).number(), direction.as_str());
                write!(f, "audit.{partition}.{session}.{way}.ack.{seq}.{publisher}")
            }
            Self::Relay { session, direction } => {
                write!(f, "relay.{session}.{}", direction.as_str())
            }
            Self::Attach { session } => write!(f, "relay.{session}.attach"),
            Self::Kill { session } => write!(f, "relay.{session}.kill"),
            Self::Synced { session } => write!(f, "relay.{session}.synced"),
            Self::AgentControl { agent } => write!(f, "agent.{agent}.control"),
            Self::AgentRevoked { agent } => write!(f, "agent.{agent}.revoked"),
            Self::Control(request) => write!(f, "control.{}", request.as_str()),
            Self::EdgesCancel => f.write_str("edges.cancel"),
            Self::EdgesWanted => f.write_str("edges.wanted"),
            Self::Event { kind } => write!(f, "events.{kind}"),
        }
    }
}

/// Text that is no subject of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a subject of hoop")]
pub struct InvalidSubject;

impl FromStr for Subject {
    type Err = InvalidSubject;

    fn from_str(text: &str) -> Result<Self, InvalidSubject> {
        if let Some(kind) = text.strip_prefix("events.").filter(|kind| !kind.is_empty()) {
            return Ok(Self::Event { kind: kind.into() });
        }
        let parts: Vec<&str> = text.split('.').collect();
        match *parts.as_slice() {
            ["audit", partition, session, direction] => {
                let (session, direction) = recorded(partition, session, direction)?;
                Ok(Self::Audit { session, direction })
            }
            ["audit", partition, session, direction, "ack", seq, publisher] => {
                let (session, direction) = recorded(partition, session, direction)?;
                let seq = seq.parse().map_err(|_| InvalidSubject)?;
                let publisher = publisher.parse().map_err(|_| InvalidSubject)?;
                Ok(Self::Receipt { session, direction, seq, publisher })
            }
            ["relay", session, last] => {
                let session = session.parse().map_err(|_| InvalidSubject)?;
                match last {
                    "attach" => Ok(Self::Attach { session }),
                    "kill" => Ok(Self::Kill { session }),
                    "synced" => Ok(Self::Synced { session }),
                    _ => Ok(Self::Relay { session, direction: direction(last)? }),
                }
            }
            ["agent", agent, last] => {
                let agent = agent.parse().map_err(|_| InvalidSubject)?;
                match last {
                    "control" => Ok(Self::AgentControl { agent }),
                    "revoked" => Ok(Self::AgentRevoked { agent }),
                    _ => Err(InvalidSubject),
                }
            }
            ["control", name] => ControlRequest::ALL
                .into_iter()
                .find(|request| request.as_str() == name)
                .map(Self::Control)
                .ok_or(InvalidSubject),
            ["edges", "cancel"] => Ok(Self::EdgesCancel),
            ["edges", "wanted"] => Ok(Self::EdgesWanted),
            _ => Err(InvalidSubject),
        }
    }
}

/// The session and direction, where the partition is the session's own.
fn recorded(
    partition: &str,
    session: &str,
    way: &str,
) -> Result<(SessionId, Direction), InvalidSubject> {
    let session: SessionId = session.parse().map_err(|_| InvalidSubject)?;
    if partition.parse() != Ok(Partition::of(session).number()) {
        return Err(InvalidSubject);
    }
    Ok((session, direction(way)?))
}

fn direction(name: &str) -> Result<Direction, InvalidSubject> {
    Direction::BOTH.into_iter().find(|known| known.as_str() == name).ok_or(InvalidSubject)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subject_survives_being_written_down() {
        let session = SessionId::generate();
        let agent = AgentId::generate();
        let mut subjects = vec![
            Subject::Attach { session },
            Subject::Kill { session },
            Subject::Synced { session },
            Subject::AgentControl { agent },
            Subject::AgentRevoked { agent },
            Subject::EdgesCancel,
            Subject::EdgesWanted,
            Subject::Event { kind: "session.opened".into() },
        ];
        for direction in Direction::BOTH {
            subjects.push(Subject::Audit { session, direction });
            subjects.push(Subject::Receipt { session, direction, seq: 7, publisher: u64::MAX });
            subjects.push(Subject::Relay { session, direction });
        }
        subjects.extend(ControlRequest::ALL.map(Subject::Control));
        for subject in subjects {
            assert_eq!(subject.to_string().parse(), Ok(subject));
        }
    }

    #[test]
    fn what_is_no_subject_is_refused() {
        let session = SessionId::generate();
        let foreign = (Partition::of(session).number() + 1) % Partition::COUNT;
        for text in ["", "audit", "events.", "control.shutdown", "relay.x.in", "agent.x.control"] {
            assert!(text.parse::<Subject>().is_err(), "{text}");
        }
        assert!(format!("audit.{foreign}.{session}.in").parse::<Subject>().is_err());
    }
}
