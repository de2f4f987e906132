//! Why a session was refused, and why it ended: one list each.
//!
//! The names are stored, sent over the wire and documented, so they never change.

use std::{fmt, str::FromStr};

/// A name that is in neither list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a reason that this version knows")]
pub struct InvalidReason;

macro_rules! named {
    ($(#[$doc:meta])* $type:ident { $($(#[$vdoc:meta])* $variant:ident = $name:literal: $message:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $type { $($(#[$vdoc])* $variant),* }

        impl $type {
            /// Every value, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name that is stored and sent.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// A sentence for the person, where nothing more exact is known.
            #[must_use]
            pub const fn message(self) -> &'static str {
                match self { $(Self::$variant => $message),* }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $type {
            type Err = InvalidReason;
            fn from_str(name: &str) -> Result<Self, InvalidReason> {
                Self::ALL.iter().copied().find(|known| known.as_str() == name).ok_or(InvalidReason)
            }
        }
    };
}

named! {
    /// Why a session was not opened.
    DenialCode {
        /// No such credential or token, or its password is wrong.
        Unauthenticated = "unauthenticated": "the user name or password is wrong",
        /// The credential was valid once.
        CredentialExpired = "credential_expired": "this credential has expired; create a new one",
        /// There is no such connection, or the user has no access to it: the answer is the same.
        ConnectionNotFound = "connection_not_found": "there is no connection of that name that you may use",
        /// The connection is of another type than the client speaks.
        WrongProtocol = "wrong_protocol": "this connection can't be opened on this port",
        /// The connection does not allow `connect`, or `exec`.
        ModeDisabled = "mode_disabled": "this way of using the connection is disabled",
        /// Somebody has to approve it first.
        ReviewRequired = "review_required": "this connection needs an approval before it can be used",
        /// It is approved for other hours of the day.
        OutsideTimeWindow = "outside_time_window": "the approval is for another time of the day",
        /// The connection asks for something that this version can't do.
        PolicyUnavailable = "policy_unavailable": "this connection has a rule that this gateway can't apply, so it was not opened",
        /// The user, or the connection, has as many sessions as it may have.
        TooManySessions = "too_many_sessions": "too many sessions are open; end one and try again",
        /// No running agent holds the connection's key.
        AgentOffline = "agent_offline": "the agent of this connection is offline",
        /// The agent's key was revoked or never existed.
        AgentUnknown = "agent_unknown": "this agent key is not valid; it may have been revoked",
        /// The broker does not take the first packet.
        RecordingUnavailable = "recording_unavailable": "the session can't be recorded at the moment, so it was not opened",
        /// The disk or the stream that recordings pass through is nearly full.
        RecordingFull = "recording_full": "the gateway's recording disk is nearly full, so no new sessions are opened",
        /// `api` does not answer.
        DeciderUnavailable = "decider_unavailable": "the gateway can't decide about access at the moment; try again",
        /// This edge is about to stop.
        Draining = "draining": "this gateway node is shutting down; connect again",
        /// The request makes no sense.
        Malformed = "malformed": "the request is malformed",
    }
}

named! {
    /// Why a session, or a channel of it, ended.
    EndReason {
        /// The client said good-bye or hung up.
        ClientClosed = "client_closed": "the client closed the session",
        /// The target hung up.
        TargetClosed = "target_closed": "the target closed the connection",
        /// The target refused the connection or could not be reached.
        TargetUnreachable = "target_unreachable": "the target could not be reached",
        /// The target refused the stored credentials.
        TargetLoginFailed = "target_login_failed": "the target refused the login of the gateway",
        /// The connection's stored settings make no sense.
        Misconfigured = "misconfigured": "the connection is set up wrongly; ask its administrator",
        /// Somebody ended it.
        Killed = "killed": "the session was ended by an administrator",
        /// The credential or the granted time ran out.
        Expired = "expired": "the time granted for this session is over",
        /// Nothing was sent either way for as long as the connection allows.
        IdleTimeout = "idle_timeout": "nothing happened in this session for too long, so it was ended",
        /// Access was taken away while the session ran.
        AccessRevoked = "access_revoked": "access to this connection was revoked",
        /// The agent's key was revoked.
        AgentRevoked = "agent_revoked": "the agent of this connection was revoked",
        /// The agent's stream broke.
        AgentLost = "agent_lost": "the connection to the agent was lost",
        /// The agent did not take the session up.
        AgentUnresponsive = "agent_unresponsive": "the agent did not take up the session",
        /// The client's stream broke.
        ClientLost = "client_lost": "the connection to the client was lost",
        /// The edge that held the client is gone.
        EdgeLost = "edge_lost": "the gateway node that held the session is gone",
        /// The broker stopped taking packets.
        RecordingUnavailable = "recording_unavailable": "the session can't be recorded any more, so it was ended",
        /// Something else was sent than what was approved.
        NotApproved = "not_approved": "what was sent is not what was approved, so the session was ended",
        /// An endpoint broke the protocol.
        ProtocolViolation = "protocol_violation": "the session was ended because of a protocol violation",
        /// The session was authorized and then never begun.
        NeverOpened = "never_opened": "the session was never opened",
        /// The edge stopped.
        Drained = "drained": "the gateway node was shut down",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_unique_and_parses_to_its_reason() {
        for reason in EndReason::ALL {
            assert_eq!(reason.as_str().parse(), Ok(*reason));
        }
        for code in DenialCode::ALL {
            assert_eq!(code.as_str().parse(), Ok(*code));
        }
        assert_eq!("".parse::<EndReason>(), Err(InvalidReason));
    }
}
