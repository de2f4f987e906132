//! What a client is told, as PostgreSQL says such things: SQLSTATE, sentence, hint.
//!
//! | what happened | SQLSTATE |
//! | --- | --- |
//! | wrong password, no such user | `28P01` |
//! | the credential has expired, too many failed logins | `28000` |
//! | no such connection, or no access to it (the same answer) | `3D000` |
//! | the connection speaks another protocol | `0A000` |
//! | agent offline, unknown or silent; connection set up wrongly | `08001` |
//! | the target refuses the gateway's login | `08004` |
//! | the target can't be reached or is gone | `08006` |
//! | can't record, can't decide, draining | `57P03` |
//! | this way of using it is disabled, or nobody has approved it | `42501` |
//! | killed, expired, revoked, drained, agent or node lost | `57P01` |
//! | broken protocol | `08P01` |
//!
//! `57P03` is the one that drivers and pools try again by themselves. A wrong password is
//! the only `28P01`: some clients ask for the password again when they see it.

use hoop_domain::{DenialCode, EndReason, attempts::TooMany};
use hoop_wire::postgres::{
    error::{Severity, encode},
    scram, startup,
};

use crate::opener::Denied;

/// One refusal or farewell.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// Five characters that programs go by.
    pub sqlstate: &'static str,
    /// The sentence.
    pub message: String,
    /// What to do about it.
    pub hint: Option<&'static str>,
}

impl Refusal {
    pub(crate) fn new(sqlstate: &'static str, message: impl Into<String>) -> Self {
        Self { sqlstate, message: message.into(), hint: None }
    }

    /// The wording is PostgreSQL's own: people and scripts know it.
    pub(crate) fn wrong_password(username: &str) -> Self {
        Self {
            sqlstate: "28P01",
            message: format!("password authentication failed for user \"{username}\""),
            hint: Some("use the user name and password of a credential of this connection"),
        }
    }

    /// Not `28P01`: the password may be right, and asking for it again doesn't help.
    pub(crate) fn too_many_logins(username: &str, refused: TooMany) -> Self {
        let seconds = refused.seconds();
        Self {
            sqlstate: "28000",
            message: format!(
                "too many failed logins for user \"{username}\" or from your address; \
                 try again in {seconds} seconds"
            ),
            hint: Some("a program may be trying again and again with an old password"),
        }
    }

    pub(crate) fn login_timeout() -> Self {
        Self::new("57P03", "the login took too long")
    }

    /// Appends it as the message that ends a connection.
    pub fn encode(&self, out: &mut Vec<u8>) {
        encode(out, Severity::Fatal, self.sqlstate, &self.message, self.hint);
    }

    /// Why a session is over; `None` where there is nobody to tell, or where the target
    /// has said it in its own words.
    pub(crate) fn farewell(reason: EndReason, message: &str) -> Option<Self> {
        match reason {
            EndReason::ClientClosed | EndReason::ClientLost | EndReason::TargetClosed => None,
            reason => Some(Self::not_opened(reason, message)),
        }
    }

    /// Why a session could not be opened.
    pub(crate) fn not_opened(reason: EndReason, message: &str) -> Self {
        let (sqlstate, hint) = for_end(reason);
        Self { sqlstate, message: sentence(message, reason.message()), hint }
    }
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        let (sqlstate, hint) = for_denial(denied.code);
        Self { sqlstate, message: sentence(&denied.message, denied.code.message()), hint }
    }
}

impl From<startup::Error> for Refusal {
    fn from(error: startup::Error) -> Self {
        let sqlstate = match error {
            startup::Error::UnsupportedVersion(_) => "0A000",
            startup::Error::NoUser => "28000",
            startup::Error::NotText(_) => "22021",
            startup::Error::InvalidLength
            | startup::Error::MalformedRequest(_)
            | startup::Error::Malformed => "08P01",
        };
        Self::new(sqlstate, error.to_string())
    }
}

impl Refusal {
    /// Why SCRAM failed for this user.
    pub(crate) fn scram(error: scram::Error, username: &str) -> Self {
        match error {
            scram::Error::WrongPassword => Self::wrong_password(username),
            scram::Error::BindingMismatch | scram::Error::Downgraded => Self {
                sqlstate: "28000",
                message: error.to_string(),
                hint: Some("something between you and the gateway ends the TLS connection"),
            },
            scram::Error::NoRandomness => Self::new("57P03", error.to_string()),
            _ => Self::new("08P01", error.to_string()),
        }
    }
}

fn sentence(given: &str, standard: &str) -> String {
    if given.is_empty() { standard.to_owned() } else { given.to_owned() }
}

type Answer = (&'static str, Option<&'static str>);

const START_THE_AGENT: Option<&str> =
    Some("start the agent of this connection, or ask its administrator");
const TRY_AGAIN: Option<&str> = Some("try again in a moment");
const CONNECT_AGAIN: Option<&str> = Some("connect again");

const fn for_denial(code: DenialCode) -> Answer {
    match code {
        DenialCode::Unauthenticated => {
            ("28P01", Some("use the user name and password of a credential of this connection"))
        }
        DenialCode::CredentialExpired => ("28000", Some("create a new credential")),
        DenialCode::ConnectionNotFound => {
            ("3D000", Some("the database is the name of a connection; check it, or ask for access"))
        }
        DenialCode::WrongProtocol => {
            ("0A000", Some("open it with \"hoop connect\", or on the port of its protocol"))
        }
        DenialCode::ModeDisabled
        | DenialCode::OutsideTimeWindow
        | DenialCode::PolicyUnavailable => ("42501", None),
        DenialCode::ReviewRequired => ("42501", Some("connect again when it is approved")),
        DenialCode::TooManySessions => ("53300", None),
        DenialCode::AgentOffline | DenialCode::AgentUnknown => ("08001", START_THE_AGENT),
        DenialCode::RecordingUnavailable
        | DenialCode::RecordingFull
        | DenialCode::DeciderUnavailable
        | DenialCode::Draining => ("57P03", TRY_AGAIN),
        DenialCode::Malformed => ("08P01", None),
    }
}

const fn for_end(reason: EndReason) -> Answer {
    match reason {
        EndReason::TargetLoginFailed => {
            ("08004", Some("the stored credentials of this connection need an administrator"))
        }
        EndReason::IdleTimeout => ("57P05", CONNECT_AGAIN),
        EndReason::Misconfigured => ("08001", None),
        EndReason::AgentUnresponsive => ("08001", START_THE_AGENT),
        EndReason::TargetUnreachable => {
            ("08006", Some("check that the database runs and that the agent can reach it"))
        }
        EndReason::TargetClosed
        | EndReason::ClientClosed
        | EndReason::ClientLost
        | EndReason::NeverOpened => ("08006", None),
        EndReason::RecordingUnavailable => ("57P03", TRY_AGAIN),
        EndReason::Killed | EndReason::AccessRevoked | EndReason::AgentRevoked => ("57P01", None),
        EndReason::Expired => ("57P01", Some("open a new session to go on")),
        EndReason::AgentLost | EndReason::EdgeLost | EndReason::Drained => ("57P01", CONNECT_AGAIN),
        EndReason::ProtocolViolation | EndReason::NotApproved => ("08P01", None),
    }
}

#[cfg(test)]
mod tests;
