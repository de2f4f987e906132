//! Agents: keys that agents dial in with, and which edges hold a running one.

use chrono::{DateTime, TimeDelta, Utc};
use hoop_domain::{AgentId, AgentName, OrgId, agent_key::SealPublicKey};
use uuid::Uuid;

use crate::{
    Error, NameCursor, OrgStore, Page, Result, Store, Window, convert, error::OnConstraint, outbox,
};

mod mode;
mod presence;

pub use mode::{AgentMode, InvalidAgentMode};
pub use presence::Presence;

/// An edge says every 10 s which agents it holds; after three silences it holds none.
const PRESENCE: TimeDelta = TimeDelta::seconds(30);

/// An agent's key and what is known of those who run with it.
#[derive(Debug, Clone)]
pub struct Agent {
    /// The id.
    pub id: AgentId,
    /// Unique among those that are not revoked.
    pub name: AgentName,
    /// How it runs.
    pub mode: AgentMode,
    /// What secrets are sealed to.
    pub seal_public_key: SealPublicKey,
    /// Whether an edge holds one now.
    pub online: bool,
    /// When an edge last held one.
    pub last_seen_at: Option<DateTime<Utc>>,
    /// Of the program; empty when it never connected.
    pub version: String,
    /// Of its machine.
    pub hostname: String,
    /// Such as `linux/x86_64`.
    pub platform: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// A new agent's key, as far as we keep it.
#[derive(Debug, Clone)]
pub struct NewAgent {
    /// The name.
    pub name: AgentName,
    /// The mode.
    pub mode: AgentMode,
    /// The digest of what it authenticates with.
    pub token_digest: [u8; 32],
    /// What secrets are sealed to.
    pub seal_public_key: SealPublicKey,
}

/// An agent that has shown its token.
#[derive(Debug, Clone)]
pub struct KnownAgent {
    /// The id.
    pub id: AgentId,
    /// Its organisation.
    pub org: OrgId,
    /// Its name.
    pub name: AgentName,
    /// Its mode.
    pub mode: AgentMode,
}

struct Row {
    id: Uuid,
    name: String,
    mode: String,
    seal_public_key: Vec<u8>,
    online: bool,
    last_seen_at: Option<DateTime<Utc>>,
    version: String,
    hostname: String,
    platform: String,
    created_at: DateTime<Utc>,
}

impl TryFrom<Row> for Agent {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: AgentId::from_uuid(row.id),
            name: convert::parse(&row.name, "an agent's name")?,
            mode: convert::parse(&row.mode, "an agent's mode")?,
            seal_public_key: SealPublicKey(convert::bytes(
                &row.seal_public_key,
                "an agent's public key",
            )?),
            online: row.online,
            last_seen_at: row.last_seen_at,
            version: row.version,
            hostname: row.hostname,
            platform: row.platform,
            created_at: row.created_at,
        })
    }
}

impl OrgStore {
    /// Makes an agent.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the name is taken.
    pub async fn agent_create(&self, new: &NewAgent) -> Result<AgentId> {
        let mut tx = self.pool.begin().await?;
        let id = AgentId::generate();
        sqlx::query!(
            "INSERT INTO agents (id, org_id, name, mode, token_digest, seal_public_key)
             VALUES ($1, $2, $3, $4, $5, $6)",
            id.uuid(),
            self.org.uuid(),
            new.name.as_str(),
            new.mode.as_str(),
            new.token_digest.as_slice(),
            new.seal_public_key.0.as_slice()
        )
        .execute(&mut *tx)
        .await
        .on_constraint("agents_name_key", "there is an agent of that name already")?;
        let body = serde_json::json!({ "agent": id.to_string(), "name": new.name.as_str() });
        outbox::append(&mut tx, self.org.uuid(), "agent.created", &body).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// A page of the agents that are not revoked, by name.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn agent_list(
        &self,
        now: DateTime<Utc>,
        window: &Window<NameCursor>,
    ) -> Result<Page<Agent, NameCursor>> {
        let rows = sqlx::query_as!(
            Row,
            r#"SELECT id, name, mode, seal_public_key, last_seen_at, version, hostname, platform,
                 created_at, EXISTS (SELECT FROM agent_presence p
                   WHERE p.agent_id = a.id AND $2 < p.seen_at) AS "online!"
               FROM agents a WHERE org_id = $1 AND revoked_at IS NULL AND $3 < name
               ORDER BY name LIMIT $4"#,
            self.org.uuid(),
            now - PRESENCE,
            window.name(),
            window.fetched()
        )
        .fetch_all(&self.pool)
        .await?;
        let agents: Vec<Agent> = rows.into_iter().map(Agent::try_from).collect::<Result<_>>()?;
        Ok(Page::of(agents, window.limit, |agent| agent.name.to_string()))
    }

    /// The agent with this id or name that is not revoked.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none.
    pub async fn agent_fetch(&self, id_or_name: &str, now: DateTime<Utc>) -> Result<Agent> {
        let id = id_or_name.parse::<AgentId>().ok().map(AgentId::uuid);
        let row = sqlx::query_as!(
            Row,
            r#"SELECT id, name, mode, seal_public_key, last_seen_at, version, hostname, platform,
                 created_at, EXISTS (SELECT FROM agent_presence p
                   WHERE p.agent_id = a.id AND $4 < p.seen_at) AS "online!"
               FROM agents a
               WHERE org_id = $1 AND revoked_at IS NULL AND (id = $2 OR name = $3)
               ORDER BY id = $2 DESC NULLS LAST LIMIT 1"#,
            self.org.uuid(),
            id,
            id_or_name,
            now - PRESENCE
        )
        .fetch_optional(&self.pool)
        .await?;
        row.ok_or(Error::NotFound { what: "agent" })?.try_into()
    }

    /// Revokes an agent's key for good.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such agent, or it is revoked already.
    pub async fn agent_revoke(&self, id: AgentId) -> Result<()> {
        let mut tx = self.pool.begin().await?;
        let name = sqlx::query_scalar!(
            "UPDATE agents SET revoked_at = now()
             WHERE org_id = $1 AND id = $2 AND revoked_at IS NULL RETURNING name",
            self.org.uuid(),
            id.uuid()
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(Error::NotFound { what: "agent" })?;
        let body = serde_json::json!({ "agent": id.to_string(), "name": name });
        outbox::append(&mut tx, self.org.uuid(), "agent.revoked", &body).await?;
        tx.commit().await?;
        Ok(())
    }
}

impl Store {
    /// The agent whose token has this digest, unless it is revoked.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn agent_by_token(&self, digest: &[u8; 32]) -> Result<Option<KnownAgent>> {
        let row = sqlx::query!(
            "SELECT id, org_id, name, mode FROM agents
             WHERE token_digest = $1 AND revoked_at IS NULL",
            digest.as_slice()
        )
        .fetch_optional(self.pool())
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(KnownAgent {
            id: AgentId::from_uuid(row.id),
            org: OrgId::from_uuid(row.org_id),
            name: convert::parse(&row.name, "an agent's name")?,
            mode: convert::parse(&row.mode, "an agent's mode")?,
        }))
    }
}
