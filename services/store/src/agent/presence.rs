//! Which edges hold which agents, as the edges report it.

use chrono::{DateTime, TimeDelta, Utc};
use hoop_domain::AgentId;

use crate::{Result, Store, outbox};

/// An agent that was away for less was not lost: it went from one edge to another.
const GRACE: TimeDelta = TimeDelta::seconds(10);

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
            sqlx::query!(
                "WITH gone AS (DELETE FROM agent_presence WHERE agent_id = $1 AND edge = $2
                   RETURNING agent_id)
                 UPDATE agents SET last_seen_at = $3 FROM gone WHERE id = gone.agent_id",
                id,
                edge,
                now
            )
            .execute(self.pool())
            .await?;
            return Ok(());
        }
        let mut tx = self.pool().begin().await?;
        // The row as it was before: locked, so that one of several edges tells.
        let before = sqlx::query!(
            r#"SELECT org_id, name, connected_told OR revoked_at IS NOT NULL AS "told!"
               FROM agents WHERE id = $1 FOR UPDATE"#,
            id
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(before) = before else { return Ok(()) };
        sqlx::query!(
            "UPDATE agents SET last_seen_at = $2, version = $3, hostname = $4, platform = $5,
               connected_told = true
             WHERE id = $1",
            id,
            now,
            presence.version,
            presence.hostname,
            presence.platform
        )
        .execute(&mut *tx)
        .await?;
        sqlx::query!(
            "INSERT INTO agent_presence (agent_id, edge, seen_at) VALUES ($1, $2, $3)
             ON CONFLICT (agent_id, edge) DO UPDATE SET seen_at = EXCLUDED.seen_at",
            id,
            edge,
            now
        )
        .execute(&mut *tx)
        .await?;
        if !before.told {
            let body = serde_json::json!({
                "agent": presence.agent.to_string(),
                "name": before.name,
                "version": presence.version,
                "hostname": presence.hostname,
                "platform": presence.platform,
                "connected_at": now,
            });
            outbox::append(&mut tx, before.org_id, "agent.connected", &body).await?;
        }
        tx.commit().await?;
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

    /// Forgets edges that have been silent since `before`, and tells of agents that nobody has
    /// held for a while.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn agent_presence_forget(
        &self,
        before: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let mut tx = self.pool().begin().await?;
        sqlx::query!("DELETE FROM agent_presence WHERE seen_at < $1", before)
            .execute(&mut *tx)
            .await?;
        let lost = sqlx::query!(
            "UPDATE agents a SET connected_told = false
             WHERE connected_told AND (last_seen_at IS NULL OR last_seen_at <= $1)
               AND NOT EXISTS (SELECT FROM agent_presence p WHERE p.agent_id = a.id)
             RETURNING id, org_id, name, hostname, last_seen_at",
            now - GRACE
        )
        .fetch_all(&mut *tx)
        .await?;
        for row in lost {
            let body = serde_json::json!({
                "agent": row.id,
                "name": row.name,
                "hostname": row.hostname,
                "last_seen_at": row.last_seen_at,
            });
            outbox::append(&mut tx, row.org_id, "agent.lost", &body).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}
