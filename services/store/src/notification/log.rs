//! The log of deliveries, and sending dead letters again.

use chrono::{DateTime, Utc};
use hoop_domain::{ChannelId, DeliveryId, EventId};
use uuid::Uuid;

use crate::{Cursor, Error, OrgStore, Page, Result, page::fetched};

/// A delivery, as the log shows it.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The id.
    pub id: Uuid,
    /// The event.
    pub event_id: Uuid,
    /// When it happened.
    pub event_at: DateTime<Utc>,
    /// Its kind.
    pub kind: String,
    /// Its fields.
    pub body: serde_json::Value,
    /// The channel.
    pub channel_id: Uuid,
    /// Its name at that time.
    pub channel_name: String,
    /// To whom.
    pub recipient: String,
    /// `pending`, `delivered` or `dead`.
    pub state: String,
    /// How often it was tried.
    pub attempts: i32,
    /// When it is tried next, when it is pending.
    pub next_at: DateTime<Utc>,
    /// What happened last.
    pub last_error: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was delivered or given up.
    pub finished_at: Option<DateTime<Utc>>,
}

/// Which deliveries; `None` is all of them.
#[derive(Debug, Clone, Default)]
pub struct DeliveryFilter {
    /// `pending`, `delivered` or `dead`.
    pub state: Option<String>,
    /// Through this channel, by its name.
    pub channel: Option<String>,
    /// Of this event.
    pub event: Option<EventId>,
    /// Of this one kind.
    pub kind: Option<String>,
}

impl OrgStore {
    /// A page of deliveries, the newest first.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn delivery_list(
        &self,
        filter: &DeliveryFilter,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Page<Delivery>> {
        let rows = sqlx::query_as!(
            Delivery,
            "SELECT id, event_id, event_at, kind, body, channel_id, channel_name, recipient, state,
               attempts, next_at, last_error, created_at, finished_at
             FROM notification_deliveries
             WHERE org_id = $1 AND ($2::uuid IS NULL OR id < $2)
               AND ($3::text IS NULL OR state = $3)
               AND ($4::text IS NULL OR channel_name = $4)
               AND ($5::uuid IS NULL OR event_id = $5)
               AND ($6::text IS NULL OR kind = $6)
             ORDER BY id DESC LIMIT $7",
            self.org.uuid(),
            after.map(Cursor::uuid),
            filter.state,
            filter.channel,
            filter.event.map(EventId::uuid),
            filter.kind,
            fetched(limit)
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(Page::of(rows, limit, |row| row.id))
    }

    /// Sends a dead letter again, as if it had never been tried.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such delivery, [`Error::Conflict`] when it is no
    /// dead letter or its channel is gone.
    pub async fn delivery_redrive(&self, id: DeliveryId, now: DateTime<Utc>) -> Result<()> {
        let row = sqlx::query!(
            r#"SELECT state, EXISTS (SELECT FROM notification_channels c
                 WHERE c.id = channel_id) AS "channel!"
               FROM notification_deliveries WHERE org_id = $1 AND id = $2"#,
            self.org.uuid(),
            id.uuid()
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or(Error::NotFound { what: "delivery" })?;
        if !row.channel {
            return Err(Error::Conflict { what: "the channel of this delivery was deleted" });
        }
        if row.state != "dead" || self.redrive(Some(id), None, now).await? == 0 {
            return Err(Error::Conflict { what: "only dead letters can be sent again" });
        }
        Ok(())
    }

    /// Sends all dead letters of a channel again. Returns how many.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn channel_redrive(&self, channel: ChannelId, now: DateTime<Utc>) -> Result<u64> {
        self.redrive(None, Some(channel), now).await
    }

    async fn redrive(
        &self,
        id: Option<DeliveryId>,
        channel: Option<ChannelId>,
        now: DateTime<Utc>,
    ) -> Result<u64> {
        let done = sqlx::query!(
            "UPDATE notification_deliveries SET state = 'pending', attempts = 0, next_at = $4,
               finished_at = NULL, lease = NULL, leased_until = NULL
             WHERE org_id = $1 AND state = 'dead' AND ($2::uuid IS NULL OR id = $2)
               AND ($3::uuid IS NULL OR channel_id = $3)",
            self.org.uuid(),
            id.map(DeliveryId::uuid),
            channel.map(ChannelId::uuid),
            now
        )
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected())
    }
}
