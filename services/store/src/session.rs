//! Sessions: who opened what, from where, how long, and why it ended.

use chrono::{DateTime, Utc};
use hoop_domain::{
    AgentId, AgentName, ConnectionId, ConnectionName, ConnectionType, CredentialId, EndReason,
    OrgId, SessionId, UserId, session::SessionState,
};
use uuid::Uuid;

use crate::{Error, Result, convert};

mod create;
mod life;
mod list;
mod sweep;

pub use create::NewSession;
pub(crate) use life::{session_close_on_conn, session_open_on_conn};
pub use list::SessionFilter;
pub use sweep::Kill;

/// A session as it is on record.
#[derive(Debug, Clone)]
pub struct Session {
    /// The id.
    pub id: SessionId,
    /// Whose it is.
    pub org: OrgId,
    /// Who opened it.
    pub user: UserId,
    /// The user's address at that time.
    pub user_email: String,
    /// The user's name at that time.
    pub user_name: String,
    /// What was opened.
    pub connection: ConnectionId,
    /// Its name at that time.
    pub connection_name: ConnectionName,
    /// Its type.
    pub connection_kind: ConnectionType,
    /// The agent that reached it.
    pub agent: AgentId,
    /// Its name at that time.
    pub agent_name: AgentName,
    /// The native credential that opened it, if one did.
    pub credential: Option<CredentialId>,
    /// The client's address and port.
    pub client_address: String,
    /// What the client calls itself.
    pub client_application: String,
    /// Where it is in its life.
    pub state: SessionState,
    /// When it was allowed.
    pub authorized_at: DateTime<Utc>,
    /// What the user was told at the end; empty before.
    pub end_message: String,
    /// When it must be over.
    pub not_after: Option<DateTime<Utc>>,
    /// The edge that holds or held the client's end.
    pub edge: Option<String>,
}

pub(crate) struct Row {
    id: Uuid,
    org_id: Uuid,
    user_id: Uuid,
    user_email: String,
    user_name: String,
    connection_id: Uuid,
    connection_name: String,
    connection_type: String,
    agent_id: Uuid,
    agent_name: String,
    credential_id: Option<Uuid>,
    client_address: String,
    client_application: String,
    state: String,
    authorized_at: DateTime<Utc>,
    opened_at: Option<DateTime<Utc>>,
    closed_at: Option<DateTime<Utc>>,
    end_reason: Option<String>,
    end_message: Option<String>,
    not_after: Option<DateTime<Utc>>,
    edge: Option<String>,
}

impl Row {
    fn state(&self) -> Result<SessionState> {
        match (self.state.as_str(), self.opened_at, self.closed_at) {
            ("opening", None, None) => {
                Ok(SessionState::Opening { authorized_at: self.authorized_at })
            }
            ("open", Some(opened_at), None) => Ok(SessionState::Open { opened_at }),
            ("done", opened_at, Some(closed_at)) => {
                let reason: EndReason = convert::parse(
                    self.end_reason.as_deref().unwrap_or_default(),
                    "a session's end reason",
                )?;
                Ok(SessionState::Closed { opened_at, closed_at, reason })
            }
            _ => Err(Error::corrupt("a session's state")),
        }
    }
}

impl TryFrom<Row> for Session {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            state: row.state()?,
            id: SessionId::from_uuid(row.id),
            org: OrgId::from_uuid(row.org_id),
            user: UserId::from_uuid(row.user_id),
            user_email: row.user_email,
            user_name: row.user_name,
            connection: ConnectionId::from_uuid(row.connection_id),
            connection_name: convert::parse(&row.connection_name, "a connection's name")?,
            connection_kind: convert::parse(&row.connection_type, "a connection's type")?,
            agent: AgentId::from_uuid(row.agent_id),
            agent_name: convert::parse(&row.agent_name, "an agent's name")?,
            credential: row.credential_id.map(CredentialId::from_uuid),
            client_address: row.client_address,
            client_application: row.client_application,
            authorized_at: row.authorized_at,
            end_message: row.end_message.unwrap_or_default(),
            not_after: row.not_after,
            edge: row.edge,
        })
    }
}
