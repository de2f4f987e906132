//! Events that wait to be published, written in the transaction that made them true.

use chrono::{DateTime, Utc};
use hoop_domain::{EventId, OrgId};
use sqlx::{PgConnection, Postgres, Transaction};
use uuid::Uuid;

use crate::{Result, Store};

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Also the message id on the broker, so that publishing it twice is publishing it once.
    pub id: EventId,
    /// Whose it is.
    pub org: OrgId,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// Such as `session.opened`.
    pub kind: String,
    /// Its fields.
    pub body: serde_json::Value,
}

/// Events that this process publishes and no other takes meanwhile. Dropped, they stay.
#[derive(Debug)]
pub struct Claim {
    events: Vec<Event>,
    tx: Transaction<'static, Postgres>,
}

/// Writes an event down, as part of the caller's transaction.
pub(crate) async fn append(
    conn: &mut PgConnection,
    org: Uuid,
    kind: &str,
    body: &serde_json::Value,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO outbox (id, org_id, at, kind, body) VALUES ($1, $2, $3, $4, $5)",
        EventId::generate().uuid(),
        org,
        Utc::now(),
        kind,
        body
    )
    .execute(conn)
    .await?;
    Ok(())
}

impl Store {
    /// The oldest `limit` events that no other process is publishing at the moment.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn outbox_claim(&self, limit: i64) -> Result<Claim> {
        let mut tx = self.pool().begin().await?;
        let rows = sqlx::query!(
            "SELECT id, org_id, at, kind, body FROM outbox
             ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED",
            limit
        )
        .fetch_all(&mut *tx)
        .await?;
        let events = rows
            .into_iter()
            .map(|row| Event {
                id: EventId::from_uuid(row.id),
                org: OrgId::from_uuid(row.org_id),
                at: row.at,
                kind: row.kind,
                body: row.body,
            })
            .collect();
        Ok(Claim { events, tx })
    }
}

impl Claim {
    /// The events, oldest first.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Forgets the first `count` events: the broker has them.
    ///
    /// # Errors
    /// When the database is not available; the events will be published again.
    pub async fn published(mut self, count: usize) -> Result<()> {
        let ids: Vec<Uuid> = self.events.iter().take(count).map(|event| event.id.uuid()).collect();
        sqlx::query!("DELETE FROM outbox WHERE id = ANY($1)", &ids).execute(&mut *self.tx).await?;
        self.tx.commit().await?;
        Ok(())
    }
}
