//! Subscriptions: which events go to whom through which channel.

use chrono::{DateTime, Utc};
use hoop_domain::{ChannelId, SubscriptionId};
use uuid::Uuid;

use super::Pattern;
use crate::{Error, NameCursor, OrgStore, Page, Result, Window, convert, error::OnConstraint};

/// A subscription.
#[derive(Debug, Clone)]
pub struct Subscription {
    /// The id.
    pub id: SubscriptionId,
    /// What it says.
    pub spec: SubscriptionSpec,
    /// The channel's name.
    pub channel_name: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// Counts its changes.
    pub version: i32,
}

/// What a subscription says.
#[derive(Debug, Clone)]
pub struct SubscriptionSpec {
    /// Unique among the subscriptions.
    pub name: String,
    /// Through which channel.
    pub channel: ChannelId,
    /// Which events.
    pub events: Vec<Pattern>,
    /// To whom; nobody where the channel itself is the recipient.
    pub recipients: Vec<String>,
    /// Whether it is in force.
    pub enabled: bool,
}

struct Row {
    id: Uuid,
    name: String,
    channel_id: Uuid,
    channel_name: String,
    events: Vec<String>,
    recipients: Vec<String>,
    enabled: bool,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    version: i32,
}

impl TryFrom<Row> for Subscription {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: SubscriptionId::from_uuid(row.id),
            spec: SubscriptionSpec {
                name: row.name,
                channel: ChannelId::from_uuid(row.channel_id),
                events: convert::parse_all(&row.events, "a subscription's events")?,
                recipients: row.recipients,
                enabled: row.enabled,
            },
            channel_name: row.channel_name,
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
        })
    }
}

const TAKEN: &str = "there is a subscription of that name already";
const NO_CHANNEL: &str = "the channel was deleted meanwhile";

impl OrgStore {
    /// Makes a subscription.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the name is taken or the channel is gone.
    pub async fn subscription_create(
        &self,
        spec: &SubscriptionSpec,
        now: DateTime<Utc>,
    ) -> Result<SubscriptionId> {
        let id = SubscriptionId::generate();
        sqlx::query!(
            "INSERT INTO notification_subscriptions (id, org_id, name, channel_id, events,
               recipients, enabled, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)",
            id.uuid(),
            self.org.uuid(),
            spec.name,
            spec.channel.uuid(),
            &spec.events.iter().map(Pattern::to_string).collect::<Vec<_>>(),
            &spec.recipients,
            spec.enabled,
            now
        )
        .execute(&self.pool)
        .await
        .on_constraint("notification_subscriptions_name_key", TAKEN)
        .or_else(reference)?;
        Ok(id)
    }

    /// Changes a subscription, if it is of one of these versions; events that were fanned out
    /// already are not affected.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none, [`Error::Changed`] when it is of another version,
    /// [`Error::Conflict`] when the name is taken.
    pub async fn subscription_update(
        &self,
        id: SubscriptionId,
        spec: &SubscriptionSpec,
        now: DateTime<Utc>,
        versions: Option<&[i32]>,
    ) -> Result<()> {
        let done = sqlx::query!(
            "UPDATE notification_subscriptions SET name = $3, channel_id = $4, events = $5,
               recipients = $6, enabled = $7, updated_at = $8, version = version + 1
             WHERE org_id = $1 AND id = $2 AND ($9::int[] IS NULL OR version = ANY ($9))",
            self.org.uuid(),
            id.uuid(),
            spec.name,
            spec.channel.uuid(),
            &spec.events.iter().map(Pattern::to_string).collect::<Vec<_>>(),
            &spec.recipients,
            spec.enabled,
            now,
            versions
        )
        .execute(&self.pool)
        .await
        .on_constraint("notification_subscriptions_name_key", TAKEN)
        .or_else(reference)?;
        if done.rows_affected() == 0 {
            let found = self.subscription_fetch(&id.to_string()).await?.version;
            return Err(Error::of_version("subscription", found, versions));
        }
        Ok(())
    }

    /// Deletes a subscription, if it is of one of these versions; what is on its way goes on.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none, [`Error::Changed`] when it is of another version.
    pub async fn subscription_delete(
        &self,
        id: SubscriptionId,
        versions: Option<&[i32]>,
    ) -> Result<()> {
        let done = sqlx::query!(
            "DELETE FROM notification_subscriptions WHERE org_id = $1 AND id = $2
               AND ($3::int[] IS NULL OR version = ANY ($3))",
            self.org.uuid(),
            id.uuid(),
            versions
        )
        .execute(&self.pool)
        .await?;
        if done.rows_affected() == 0 {
            let found = self.subscription_fetch(&id.to_string()).await?.version;
            return Err(Error::of_version("subscription", found, versions));
        }
        Ok(())
    }

    /// A page of the subscriptions, by name; or the one with this id or name.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn subscription_list(
        &self,
        only: Option<&str>,
        window: &Window<NameCursor>,
    ) -> Result<Page<Subscription, NameCursor>> {
        let rows = sqlx::query_as!(
            Row,
            "SELECT s.id, s.name, s.channel_id, c.name AS channel_name, s.events, s.recipients,
               s.enabled, s.created_at, s.updated_at, s.version
             FROM notification_subscriptions s JOIN notification_channels c ON c.id = s.channel_id
             WHERE s.org_id = $1 AND ($2::text IS NULL OR s.name = $2 OR s.id = $3)
               AND $4 < s.name
             ORDER BY s.id = $3 DESC NULLS LAST, s.name LIMIT $5",
            self.org.uuid(),
            only,
            only.and_then(|text| text.parse::<SubscriptionId>().ok()).map(SubscriptionId::uuid),
            window.name(),
            window.fetched()
        )
        .fetch_all(&self.pool)
        .await?;
        let found: Vec<Subscription> =
            rows.into_iter().map(Subscription::try_from).collect::<Result<_>>()?;
        Ok(Page::of(found, window.limit, |found| found.spec.name.clone()))
    }

    /// The subscription with this id or name.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none.
    pub async fn subscription_fetch(&self, name: &str) -> Result<Subscription> {
        let found = self.subscription_list(Some(name), &Window::ALL).await?.rows;
        found.into_iter().next().ok_or(Error::NotFound { what: "subscription" })
    }
}

/// What is left of an error after the name was looked at: the channel is gone, or worse.
fn reference<T>(error: Error) -> Result<T> {
    match error {
        Error::Corrupt { source: Some(cause), .. } => Err(cause).on_reference(NO_CHANNEL),
        other => Err(other),
    }
}
