//! Which edges hold which agents, as the edges report it.

use chrono::{DateTime, Utc};
use hoop_domain::AgentId;

use crate::{Result, Store};

/// What an edge says of an agent that it holds, or held.
#[derive(Debug, Clone)]
pub struct Presence {
    /// The agent.
    pub agent: AgentId,
    /// Of the program.
    pub version: String,
    /// Of its machine.
    pub hostname: String,
    /// Such as `linux/x86_64`.
    pub platform: String,
    /// The last one of this key has left the edge.
    pub gone: bool,
}

impl Store {
    /// Takes down what `edge` says of an agent.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn agent_seen(
        &self,
        edge: &str,
        presence: &Presence,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let id = presence.agent.uuid();
        if presence.gone {
            sqlx::query!("DELETE FROM agent_presence WHERE agent_id = $1 AND edge = $2", id, edge)
                .execute(self.pool())
                .await?;
            return Ok(());
        }
        let known = sqlx::query!(
            "UPDATE agents SET last_seen_at = $2, version = $3, hostname = $4, platform = $5
             WHERE id = $1",
            id,
            now,
            presence.version,
            presence.hostname,
            presence.platform
        )
        .execute(self.pool())
        .await?;
        if known.rows_affected() == 0 {
            return Ok(());
        }
        sqlx::query!(
            "INSERT INTO agent_presence (agent_id, edge, seen_at) VALUES ($1, $2, $3)
             ON CONFLICT (agent_id, edge) DO UPDATE SET seen_at = EXCLUDED.seen_at",
            id,
            edge,
            now
        )
        .execute(self.pool())
        .await?;
        Ok(())
    }

    /// Takes down that an agent has authenticated, before any edge reports it.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn agent_touch(&self, agent: AgentId, now: DateTime<Utc>) -> Result<()> {
        sqlx::query!("UPDATE agents SET last_seen_at = $2 WHERE id = $1", agent.uuid(), now)
            .execute(self.pool())
            .await?;
        Ok(())
    }

    /// Which of `agents` an edge should not hold any more.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn agent_revoked_among(&self, agents: &[AgentId]) -> Result<Vec<AgentId>> {
        let ids: Vec<_> = agents.iter().map(|agent| agent.uuid()).collect();
        // An id that no row has is none of ours either: fail closed.
        let gone = sqlx::query_scalar!(
            r#"SELECT given AS "given!" FROM unnest($1::uuid[]) AS given
               WHERE NOT EXISTS (SELECT FROM agents WHERE id = given AND revoked_at IS NULL)"#,
            &ids
        )
        .fetch_all(self.pool())
        .await?;
        Ok(gone.into_iter().map(AgentId::from_uuid).collect())
    }

    /// Forgets edges that have been silent since `before`.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn agent_presence_forget(&self, before: DateTime<Utc>) -> Result<()> {
        sqlx::query!("DELETE FROM agent_presence WHERE seen_at < $1", before)
            .execute(self.pool())
            .await?;
        Ok(())
    }
}
