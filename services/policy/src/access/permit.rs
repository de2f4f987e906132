//! A yes, in two steps: access is permitted, and there is room for one more session.
//!
//! The second step comes later, because sessions are counted in the transaction that adds
//! one to them.

use chrono::{DateTime, TimeDelta, Utc};
use hoop_domain::{
    AgentId, AuditLevel, ConnectionId, CredentialId, DenialCode, OrgId, ReviewId, ReviewKind,
    TokenId, UserId, connection::Limits, session::Verb,
};

use super::{Connection, Facts, Proof, User, approval::Cover};

/// A yes: this user, this connection, for this, until then. Only [`super::decide`] makes one.
#[derive(Debug)]
#[must_use = "a permit that is dropped opens nothing"]
pub struct AccessPermit {
    org: OrgId,
    user: UserId,
    connection: ConnectionId,
    agent: AgentId,
    credential: Option<CredentialId>,
    token: Option<TokenId>,
    verb: Verb,
    not_after: Option<DateTime<Utc>>,
    limits: Limits,
    audit_level: AuditLevel,
    cover: Option<Cover>,
}

/// How many live sessions a connection has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LiveSessions {
    /// Of the user who asks.
    pub of_user: u64,
    /// Of everybody.
    pub of_all: u64,
}

/// What those who record say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recording {
    /// One more can be recorded.
    Ready,
    /// Nobody has been there for long.
    Unavailable,
    /// Where recordings pass through is nearly full.
    Full,
}

/// A yes with room for the session. Only [`AccessPermit::with_room`] makes one.
#[derive(Debug)]
#[must_use = "a permit that is dropped opens nothing"]
pub struct RoomPermit(AccessPermit);

impl AccessPermit {
    pub(super) fn new(
        facts: &Facts<'_>,
        user: &User<'_>,
        connection: &Connection<'_>,
        proven_until: Option<DateTime<Utc>>,
        cover: Option<Cover>,
    ) -> Self {
        let (credential, token) = match &facts.proof {
            Proof::Credential { id, .. } => (Some(*id), None),
            Proof::Token { id, .. } => (None, *id),
        };
        let longest = connection.limits.session_seconds;
        let longest = longest.map(|seconds| facts.now + TimeDelta::seconds(seconds.into()));
        Self {
            org: user.org,
            user: user.id,
            connection: connection.id,
            agent: connection.agent,
            credential,
            token,
            verb: facts.verb,
            not_after: [proven_until, longest, cover.map(|cover| cover.until)]
                .into_iter()
                .flatten()
                .min(),
            limits: connection.limits,
            audit_level: connection.audit_level,
            cover,
        }
    }

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

    /// The approval that it stands on, if it needs one.
    #[must_use]
    pub fn review(&self) -> Option<ReviewId> {
        self.cover.map(|cover| cover.review)
    }

    /// Whether that approval is for one command and may be used once.
    #[must_use]
    pub fn is_one_time(&self) -> bool {
        self.cover.is_some_and(|cover| cover.kind == ReviewKind::OneTime)
    }

    /// When its approval ends, or the hours of the day in which it holds.
    #[must_use]
    pub fn approved_until(&self) -> Option<DateTime<Utc>> {
        self.cover.map(|cover| cover.until)
    }

    /// Whether live sessions have to be counted before one more is opened.
    #[must_use]
    pub const fn depends_on_count(&self) -> bool {
        self.limits.counts()
    }

    /// Takes the last step: it can be recorded, and nothing that is limited is used up.
    ///
    /// # Errors
    /// [`DenialCode::RecordingUnavailable`], [`DenialCode::RecordingFull`] or
    /// [`DenialCode::TooManySessions`].
    pub fn with_room(
        self,
        recording: Recording,
        live: LiveSessions,
    ) -> Result<RoomPermit, DenialCode> {
        match recording {
            Recording::Ready => {}
            Recording::Unavailable => return Err(DenialCode::RecordingUnavailable),
            Recording::Full => return Err(DenialCode::RecordingFull),
        }
        let full = |used: u64, limit: Option<u32>| limit.is_some_and(|limit| limit as u64 <= used);
        let Limits { sessions_per_user, sessions, .. } = self.limits;
        if full(live.of_user, sessions_per_user) || full(live.of_all, sessions) {
            return Err(DenialCode::TooManySessions);
        }
        Ok(RoomPermit(self))
    }
}

impl RoomPermit {
    /// Whose access it is, to what.
    pub const fn access(&self) -> &AccessPermit {
        &self.0
    }

    /// With which credential, if it was one.
    #[must_use]
    pub const fn credential(&self) -> Option<CredentialId> {
        self.0.credential
    }

    /// With which token, if it was one.
    #[must_use]
    pub const fn token(&self) -> Option<TokenId> {
        self.0.token
    }

    /// For what.
    #[must_use]
    pub const fn verb(&self) -> Verb {
        self.0.verb
    }

    /// Until when: the proof's end or the longest time, whichever is first.
    #[must_use]
    pub const fn not_after(&self) -> Option<DateTime<Utc>> {
        self.0.not_after
    }

    /// How long it may be idle; 0 is for ever.
    #[must_use]
    pub fn idle_seconds(&self) -> u32 {
        self.0.limits.idle_seconds.unwrap_or(0)
    }

    /// What has to be true of a packet before it is passed on.
    #[must_use]
    pub const fn audit_level(&self) -> AuditLevel {
        self.0.audit_level
    }
}
