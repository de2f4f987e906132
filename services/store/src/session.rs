//! Sessions: who opened what, from where, how long, and why it ended.

use std::ops::Deref;

use chrono::{DateTime, Utc};
use hoop_domain::{
    AgentId, ConnectionId, CredentialId, EndReason, OrgId, ReviewId, SessionId, TokenId, UserId,
    session::{SessionState, Verb},
};
use serde_json::Value;
use uuid::Uuid;

use crate::{Error, Result, convert};

mod create;
mod life;
mod list;
mod sweep;

pub use create::{NewSession, SessionCount, Standing};
pub(crate) use life::{session_close_on_conn, session_exit_on_conn, session_open_on_conn};
pub use list::SessionFilter;
pub use sweep::Kill;

/// A session as it is on record.
#[derive(Debug, Clone)]
pub struct Session {
    /// Whose it is.
    pub org: OrgId,
    /// What was known when it was allowed.
    pub begun: NewSession,
    /// Where it is in its life.
    pub state: SessionState,
    /// What the user was told at the end; empty before.
    pub end_message: String,
    /// The edge that holds or held the client's end.
    pub edge: Option<String>,
    /// How its command ended, if it ran one.
    pub exit_code: Option<i32>,
    /// What is said of it, if anything is.
    pub annotations: Option<Value>,
}

/// Reads what was known when the session was allowed, so that it need not be said twice.
impl Deref for Session {
    type Target = NewSession;
    fn deref(&self) -> &NewSession {
        &self.begun
    }
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
    token_id: Option<Uuid>,
    review_id: Option<Uuid>,
    verb: String,
    runbook: Option<String>,
    command: Vec<String>,
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
    exit_code: Option<i32>,
    annotations: Option<Value>,
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
        let verb: Verb = convert::parse(&row.verb, "a session's verb")?;
        Ok(Self {
            state: row.state()?,
            org: OrgId::from_uuid(row.org_id),
            end_message: row.end_message.unwrap_or_default(),
            edge: row.edge,
            exit_code: row.exit_code,
            annotations: row.annotations,
            begun: NewSession {
                id: SessionId::from_uuid(row.id),
                user: UserId::from_uuid(row.user_id),
                user_email: row.user_email,
                user_name: row.user_name,
                connection: ConnectionId::from_uuid(row.connection_id),
                connection_name: convert::parse(&row.connection_name, "a connection's name")?,
                connection_kind: convert::parse(&row.connection_type, "a connection's type")?,
                verb,
                runbook: row.runbook,
                command: row.command,
                agent: AgentId::from_uuid(row.agent_id),
                agent_name: convert::parse(&row.agent_name, "an agent's name")?,
                credential: row.credential_id.map(CredentialId::from_uuid),
                token: row.token_id.map(TokenId::from_uuid),
                review: row.review_id.map(|id| Standing {
                    review: ReviewId::from_uuid(id),
                    one_time: verb == Verb::Exec,
                }),
                client_address: row.client_address,
                client_application: row.client_application,
                not_after: row.not_after,
                authorized_at: row.authorized_at,
            },
        })
    }
}
