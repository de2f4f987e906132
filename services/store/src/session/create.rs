//! The row of a session that was just allowed.

use chrono::{DateTime, Utc};
use hoop_domain::{
    AgentId, AgentName, ConnectionId, ConnectionName, ConnectionType, CredentialId, SessionId,
    UserId,
};

use crate::{OrgStore, Result};

/// A session that was just allowed.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// The id, which the secret is sealed for.
    pub id: SessionId,
    /// Who opens it.
    pub user: UserId,
    /// The user's address.
    pub user_email: String,
    /// The user's name.
    pub user_name: String,
    /// What is opened.
    pub connection: ConnectionId,
    /// Its name.
    pub connection_name: ConnectionName,
    /// Its type.
    pub connection_kind: ConnectionType,
    /// The agent that reaches it.
    pub agent: AgentId,
    /// Its name.
    pub agent_name: AgentName,
    /// The native credential that opens it, if one does.
    pub credential: Option<CredentialId>,
    /// The client's address and port.
    pub client_address: String,
    /// What the client calls itself.
    pub client_application: String,
    /// When it must be over.
    pub not_after: Option<DateTime<Utc>>,
    /// Now.
    pub authorized_at: DateTime<Utc>,
}

impl OrgStore {
    /// Puts a session on record, before anything of it happens.
    ///
    /// # Errors
    /// When the database is not available; then the session must not begin.
    pub async fn session_create(&self, new: &NewSession) -> Result<()> {
        sqlx::query!(
            "INSERT INTO sessions (id, org_id, user_id, user_email, user_name, connection_id,
               connection_name, connection_type, agent_id, agent_name, credential_id,
               client_address, client_application, state, authorized_at, seen_at, not_after)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 'opening', $14, $14,
               $15)",
            new.id.uuid(),
            self.org.uuid(),
            new.user.uuid(),
            new.user_email,
            new.user_name,
            new.connection.uuid(),
            new.connection_name.as_str(),
            new.connection_kind.as_str(),
            new.agent.uuid(),
            new.agent_name.as_str(),
            new.credential.map(CredentialId::uuid),
            new.client_address,
            new.client_application,
            new.authorized_at,
            new.not_after
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
