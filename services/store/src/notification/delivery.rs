//! Deliveries: claimed for a while by whoever sends them, and what became of them.
//!
//! A claim is a lease. Who dies with it leaves it to run out, and somebody else sends again:
//! only then can the other side get the same delivery twice.

use chrono::{DateTime, Utc};
use hoop_domain::{ChannelId, DeliveryId, EventId, OrgId};
use uuid::Uuid;

use crate::{Result, Store, outbox::Event};

/// Channels that are looked at in one go.
const CHANNELS: i64 = 64;
/// Rows that are forgotten in one go.
const FORGET: i64 = 1000;

/// A delivery that is ours to send for a while.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// The id.
    pub id: DeliveryId,
    /// What happened.
    pub event: Event,
    /// To whom; empty where the channel itself is the recipient.
    pub recipient: String,
    /// How often it was tried in vain.
    pub failed: u32,
    lease: Uuid,
}

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The other side has it.
    Delivered,
    /// It did not work, and is tried again.
    Retry {
        /// When.
        at: DateTime<Utc>,
        /// What happened, for people to read; without secrets.
        why: String,
    },
    /// It is a dead letter, until somebody sends it again by hand.
    Dead {
        /// What happened, for people to read; without secrets.
        why: String,
    },
}

impl Store {
    /// The channels that something is due for, except those in `busy`.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn delivery_channels_due(
        &self,
        busy: &[ChannelId],
        now: DateTime<Utc>,
    ) -> Result<Vec<ChannelId>> {
        let busy: Vec<Uuid> = busy.iter().map(|id| id.uuid()).collect();
        let due = sqlx::query_scalar!(
            "SELECT id FROM notification_channels c
             WHERE enabled AND (paused_until IS NULL OR paused_until <= $1) AND id <> ALL($2)
               AND EXISTS (SELECT FROM notification_deliveries d
                 WHERE d.channel_id = c.id AND d.state = 'pending' AND d.next_at <= $1
                   AND (d.leased_until IS NULL OR d.leased_until <= $1))
             LIMIT $3",
            now,
            &busy,
            CHANNELS
        )
        .fetch_all(self.pool())
        .await?;
        Ok(due.into_iter().map(ChannelId::from_uuid).collect())
    }

    /// At most `limit` deliveries of `channel` that are due and that nobody else sends; nobody
    /// else will until `until`.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn delivery_claim(
        &self,
        channel: ChannelId,
        limit: i64,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Vec<Claimed>> {
        let lease = Uuid::now_v7();
        let rows = sqlx::query!(
            "WITH due AS MATERIALIZED (
               SELECT id FROM notification_deliveries
               WHERE channel_id = $1 AND state = 'pending' AND next_at <= $3
                 AND (leased_until IS NULL OR leased_until <= $3)
                 AND EXISTS (SELECT FROM notification_channels c WHERE c.id = $1 AND c.enabled
                   AND (c.paused_until IS NULL OR c.paused_until <= $3))
               ORDER BY next_at, id LIMIT $2 FOR UPDATE SKIP LOCKED)
             UPDATE notification_deliveries d SET lease = $5, leased_until = $4
             FROM due WHERE d.id = due.id
             RETURNING d.id, d.org_id, d.event_id, d.event_at, d.kind, d.body, d.recipient,
               d.attempts",
            channel.uuid(),
            limit,
            now,
            until,
            lease
        )
        .fetch_all(self.pool())
        .await?;
        let claimed = rows.into_iter().map(|row| Claimed {
            id: DeliveryId::from_uuid(row.id),
            event: Event {
                id: EventId::from_uuid(row.event_id),
                org: OrgId::from_uuid(row.org_id),
                at: row.event_at,
                kind: row.kind,
                body: row.body,
            },
            recipient: row.recipient,
            failed: u32::try_from(row.attempts).unwrap_or_default(),
            lease,
        });
        Ok(claimed.collect())
    }

    /// Writes down what became of a delivery. Returns whether it was still ours.
    ///
    /// # Errors
    /// When the database is not available; it will be sent again then.
    pub async fn delivery_settle(
        &self,
        claimed: &Claimed,
        outcome: &Outcome,
        now: DateTime<Utc>,
    ) -> Result<bool> {
        let (state, next_at, why) = match outcome {
            Outcome::Delivered => ("delivered", None, None),
            Outcome::Retry { at, why } => ("pending", Some(*at), Some(why)),
            Outcome::Dead { why } => ("dead", None, Some(why)),
        };
        let done = sqlx::query!(
            "UPDATE notification_deliveries
             SET state = $3, next_at = coalesce($4, next_at), last_error = coalesce($5, ''),
               attempts = attempts + 1, lease = NULL, leased_until = NULL,
               finished_at = CASE WHEN $3 = 'pending' THEN NULL ELSE $6::timestamptz END
             WHERE id = $1 AND lease = $2 AND state = 'pending'",
            claimed.id.uuid(),
            claimed.lease,
            state,
            next_at,
            why,
            now
        )
        .execute(self.pool())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Gives a delivery back that was not attempted: it is due at `at`.
    ///
    /// # Errors
    /// When the database is not available; the lease runs out then.
    pub async fn delivery_release(&self, claimed: &Claimed, at: DateTime<Utc>) -> Result<()> {
        sqlx::query!(
            "UPDATE notification_deliveries SET lease = NULL, leased_until = NULL, next_at = $3
             WHERE id = $1 AND lease = $2 AND state = 'pending'",
            claimed.id.uuid(),
            claimed.lease,
            at
        )
        .execute(self.pool())
        .await?;
        Ok(())
    }

    /// Forgets some of what was finished before `before`. Returns how many.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn delivery_forget(&self, before: DateTime<Utc>) -> Result<u64> {
        let done = sqlx::query!(
            "DELETE FROM notification_deliveries WHERE id IN (
               SELECT id FROM notification_deliveries
               WHERE state <> 'pending' AND finished_at < $1 LIMIT $2)",
            before,
            FORGET
        )
        .execute(self.pool())
        .await?;
        Ok(done.rows_affected())
    }
}
