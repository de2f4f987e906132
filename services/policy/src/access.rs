//! May this user open this connection, with this proof, in this way?
//!
//! Default deny: every condition has to hold, and what is not known does not hold. No
//! access and no such connection are the same answer.

use chrono::{DateTime, Utc};
use hoop_domain::{
    AgentId, AuditLevel, ConnectionId, ConnectionType, CredentialId, DenialCode, GroupName,
    InputHash, OrgId, Role, TokenId, UserId, connection::Limits, session::Verb,
};

mod approval;
mod permit;

pub use approval::Approval;
pub use permit::{AccessPermit, LiveSessions, Recording, RoomPermit};

/// The user who asks.
#[derive(Debug, Clone)]
pub struct User<'a> {
    /// The id.
    pub id: UserId,
    /// The organisation.
    pub org: OrgId,
    /// Whether the user may do anything at all.
    pub active: bool,
    /// The user's groups.
    pub groups: &'a [GroupName],
}

/// The connection that is asked for.
#[derive(Debug, Clone)]
pub struct Connection<'a> {
    /// The id.
    pub id: ConnectionId,
    /// The organisation.
    pub org: OrgId,
    /// What it is.
    pub kind: ConnectionType,
    /// The agent that reaches it.
    pub agent: AgentId,
    /// The groups that it is open to.
    pub groups: &'a [GroupName],
    /// Whether `connect` is switched on.
    pub mode_connect: bool,
    /// Whether `exec` is switched on.
    pub mode_exec: bool,
    /// Whether runbooks are switched on, whatever `exec` is.
    pub mode_runbooks: bool,
    /// How long, and how many.
    pub limits: Limits,
    /// What has to be true of its packets before they are passed on.
    pub audit_level: AuditLevel,
    /// Groups beside those, of which the user has to be in one as well; `None` where it is
    /// open to all who may see it.
    pub restricted_to: Option<&'a [GroupName]>,
    /// Whether somebody has to approve what is done with it.
    pub reviewed: bool,
    /// Whether something is switched on for it that this version can't do.
    pub unsupported: bool,
}

/// How the user proved who they are.
#[derive(Debug, Clone)]
pub enum Proof {
    /// A credential of a native port, whose password the edge has verified.
    Credential {
        /// The credential.
        id: CredentialId,
        /// Whose it is.
        user: UserId,
        /// What it is for.
        connection: ConnectionId,
        /// When it stops working.
        expires_at: DateTime<Utc>,
        /// Whether it was revoked.
        revoked: bool,
    },
    /// A valid API token of this user.
    Token {
        /// The token; `None` where nobody needs one.
        id: Option<TokenId>,
        /// Whose it is.
        user: UserId,
        /// When it stops being valid.
        expires_at: Option<DateTime<Utc>>,
    },
}

/// What the client wants to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Whatever the connection is.
    Any,
    /// A native port of this type.
    Only(ConnectionType),
}

/// Everything a decision is made of.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// Now.
    pub now: DateTime<Utc>,
    /// Who asks; `None` when nobody was found.
    pub user: Option<User<'a>>,
    /// How it was proved.
    pub proof: Proof,
    /// What is asked for; `None` when there is no such thing.
    pub connection: Option<Connection<'a>>,
    /// In what protocol.
    pub protocol: Protocol,
    /// To do what.
    pub verb: Verb,
    /// Whether what would be run is a runbook that the gateway itself has filled in.
    pub runbook: bool,
    /// What would be run, where that is known beforehand.
    pub input: Option<InputHash>,
    /// The user's approvals for it, in whatever order.
    pub approvals: Vec<Approval>,
}

/// Decides.
///
/// # Errors
/// With the reason that the person is told.
pub fn decide(facts: &Facts<'_>) -> Result<AccessPermit, DenialCode> {
    let user = facts
        .user
        .as_ref()
        .filter(|user| user.active && user.id == facts.proof.user())
        .ok_or(DenialCode::Unauthenticated)?;
    let proven_until = facts.proof.validity(facts.now)?;
    let connection = facts
        .connection
        .as_ref()
        .filter(|connection| connection.org == user.org)
        .filter(|connection| facts.proof.covers(connection.id))
        .filter(|connection| may_see(user.groups, connection.groups))
        .filter(|connection| connection.restricted_to.is_none_or(|to| may_see(user.groups, to)))
        .ok_or(DenialCode::ConnectionNotFound)?;
    if !speaks(connection.kind, facts.protocol, facts.verb) {
        return Err(DenialCode::WrongProtocol);
    }
    if !switched_on(connection, facts) {
        return Err(DenialCode::ModeDisabled);
    }
    if connection.unsupported {
        return Err(DenialCode::PolicyUnavailable);
    }
    let cover = if connection.reviewed { Some(approved(facts, user, connection)?) } else { None };
    Ok(AccessPermit::new(facts, user, connection, proven_until, cover))
}

/// The approval that this session stands on.
fn approved(
    facts: &Facts<'_>,
    user: &User<'_>,
    connection: &Connection<'_>,
) -> Result<approval::Cover, DenialCode> {
    let asked = approval::Asked {
        user: user.id,
        connection: connection.id,
        verb: facts.verb,
        input: facts.input,
        now: facts.now,
    };
    let (mut best, mut why): (Option<approval::Cover>, _) = (None, DenialCode::ReviewRequired);
    for approval in &facts.approvals {
        match approval.covers(&asked) {
            Ok(cover) if best.is_none_or(|best| best.until < cover.until) => best = Some(cover),
            Ok(_) => {}
            Err(DenialCode::OutsideTimeWindow) => why = DenialCode::OutsideTimeWindow,
            Err(_) => {}
        }
    }
    best.ok_or(why)
}

/// Whether a member of `user` groups has access to what is open to `connection` groups.
#[must_use]
pub fn may_see(user: &[GroupName], connection: &[GroupName]) -> bool {
    Role::of_groups(user.iter().map(GroupName::as_str)) == Role::Admin
        || user.iter().any(|group| connection.contains(group))
}

/// A native port opens its own type. Over gRPC a TCP service has no command to run, and
/// MySQL's protocol is not spoken yet.
fn speaks(kind: ConnectionType, protocol: Protocol, verb: Verb) -> bool {
    match (protocol, verb) {
        (Protocol::Only(spoken), Verb::Connect) => spoken == kind,
        (Protocol::Only(_), Verb::Exec) => false,
        (Protocol::Any, Verb::Connect) => kind != ConnectionType::Mysql,
        (Protocol::Any, Verb::Exec) => kind.runs_commands(),
    }
}

const fn switched_on(connection: &Connection<'_>, facts: &Facts<'_>) -> bool {
    match (facts.verb, facts.runbook) {
        (Verb::Connect, _) => connection.mode_connect,
        (Verb::Exec, false) => connection.mode_exec,
        (Verb::Exec, true) => connection.mode_runbooks,
    }
}

impl Proof {
    const fn user(&self) -> UserId {
        match self {
            Self::Credential { user, .. } | Self::Token { user, .. } => *user,
        }
    }

    fn covers(&self, connection: ConnectionId) -> bool {
        match self {
            Self::Credential { connection: own, .. } => *own == connection,
            Self::Token { .. } => true,
        }
    }

    /// Until when it proves anything, if it does now.
    fn validity(&self, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, DenialCode> {
        match self {
            Self::Credential { revoked: true, .. } => Err(DenialCode::CredentialExpired),
            Self::Credential { expires_at, .. } if *expires_at <= now => {
                Err(DenialCode::CredentialExpired)
            }
            Self::Credential { expires_at, .. } => Ok(Some(*expires_at)),
            Self::Token { expires_at: Some(end), .. } if *end <= now => {
                Err(DenialCode::Unauthenticated)
            }
            Self::Token { expires_at, .. } => Ok(*expires_at),
        }
    }
}

#[cfg(test)]
mod tests;
