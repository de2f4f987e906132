//! May this user open this connection, with this proof, in this way?
//!
//! Default deny: every condition has to hold, and what is not known does not hold. No
//! access and no such connection are the same answer.

use chrono::{DateTime, Utc};
use hoop_domain::{
    AgentId, ConnectionId, ConnectionType, CredentialId, DenialCode, GroupName, OrgId, Role, UserId,
};

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
        /// Whose it is.
        user: UserId,
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

/// What the client wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Bytes both ways.
    Connect,
    /// One command.
    Exec,
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
    pub mode: Mode,
}

/// A yes: this user, this connection, until then. Only [`decide`] makes one.
#[derive(Debug)]
#[must_use = "a permit that is dropped opens nothing"]
pub struct AccessPermit {
    org: OrgId,
    user: UserId,
    connection: ConnectionId,
    agent: AgentId,
    credential: Option<CredentialId>,
    not_after: Option<DateTime<Utc>>,
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
    let (credential, not_after) = facts.proof.validity(facts.now)?;
    let connection = facts
        .connection
        .as_ref()
        .filter(|connection| connection.org == user.org)
        .filter(|connection| facts.proof.covers(connection.id))
        .filter(|connection| may_see(user.groups, connection.groups))
        .filter(|connection| switched_on(connection, facts.mode))
        .ok_or(DenialCode::ConnectionNotFound)?;
    if !matches!(facts.protocol, Protocol::Any) && facts.protocol != Protocol::Only(connection.kind)
    {
        return Err(DenialCode::WrongProtocol);
    }
    Ok(AccessPermit {
        org: user.org,
        user: user.id,
        connection: connection.id,
        agent: connection.agent,
        credential,
        not_after,
    })
}

/// Whether a member of `user` groups has access to what is open to `connection` groups.
#[must_use]
pub fn may_see(user: &[GroupName], connection: &[GroupName]) -> bool {
    Role::of_groups(user.iter().map(GroupName::as_str)) == Role::Admin
        || user.iter().any(|group| connection.contains(group))
}

const fn switched_on(connection: &Connection<'_>, mode: Mode) -> bool {
    match mode {
        Mode::Connect => connection.mode_connect,
        Mode::Exec => connection.mode_exec,
    }
}

impl Proof {
    const fn user(&self) -> UserId {
        match self {
            Self::Credential { user, .. } | Self::Token { user } => *user,
        }
    }

    fn covers(&self, connection: ConnectionId) -> bool {
        match self {
            Self::Credential { connection: own, .. } => *own == connection,
            Self::Token { .. } => true,
        }
    }

    fn validity(
        &self,
        now: DateTime<Utc>,
    ) -> Result<(Option<CredentialId>, Option<DateTime<Utc>>), DenialCode> {
        match self {
            Self::Credential { revoked: true, .. } => Err(DenialCode::CredentialExpired),
            Self::Credential { expires_at, .. } if *expires_at <= now => {
                Err(DenialCode::CredentialExpired)
            }
            Self::Credential { id, expires_at, .. } => Ok((Some(*id), Some(*expires_at))),
            Self::Token { .. } => Ok((None, None)),
        }
    }
}

impl AccessPermit {
    /// The organisation.
    #[must_use]
    pub const fn org(&self) -> OrgId {
        self.org
    }

    /// Who.
    #[must_use]
    pub const fn user(&self) -> UserId {
        self.user
    }

    /// What.
    #[must_use]
    pub const fn connection(&self) -> ConnectionId {
        self.connection
    }

    /// Through which agent.
    #[must_use]
    pub const fn agent(&self) -> AgentId {
        self.agent
    }

    /// With which credential, if it was one.
    #[must_use]
    pub const fn credential(&self) -> Option<CredentialId> {
        self.credential
    }

    /// Until when.
    #[must_use]
    pub const fn not_after(&self) -> Option<DateTime<Utc>> {
        self.not_after
    }
}

#[cfg(test)]
mod tests;
