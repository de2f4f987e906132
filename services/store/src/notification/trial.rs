//! A delivery that tells of nothing but that the channel works.

use chrono::{DateTime, Utc};
use hoop_domain::{DeliveryId, EventId};
use serde_json::json;

use super::channel::Channel;
use crate::{OrgStore, Result};

/// The kind of the event that such a delivery carries. No subscription is asked.
const KIND: &str = "channel.test";

impl OrgStore {
    /// Makes a delivery through `channel` to `recipient`, which is empty where the channel
    /// itself is the recipient. `asked_by` is shown in it.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn channel_try(
        &self,
        channel: &Channel,
        recipient: &str,
        asked_by: &str,
        now: DateTime<Utc>,
    ) -> Result<DeliveryId> {
        let id = DeliveryId::generate();
        sqlx::query!(
            "INSERT INTO notification_deliveries (id, org_id, event_id, event_at, kind, body,
               channel_id, channel_name, recipient, next_at, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $4, $4)",
            id.uuid(),
            self.org.uuid(),
            EventId::generate().uuid(),
            now,
            KIND,
            json!({ "channel": channel.name, "asked_by": asked_by }),
            channel.id.uuid(),
            channel.name,
            recipient
        )
        .execute(&self.pool)
        .await?;
        Ok(id)
    }
}
