//! Channels: the ways to tell people.

use chrono::{DateTime, Utc};
use hoop_domain::{ChannelId, OrgId};
use uuid::Uuid;

use super::{ChannelKey, ChannelKind, Values};
use crate::{
    Error, NameCursor, OrgStore, Page, Result, Store, Window, convert, error::OnConstraint,
};

/// A channel, without its secrets.
#[derive(Debug, Clone)]
pub struct Channel {
    /// The id.
    pub id: ChannelId,
    /// The name.
    pub name: String,
    /// Its kind.
    pub kind: ChannelKind,
    /// Set up by the notifier's environment, and not here.
    pub from_environment: bool,
    /// What it has to know and everybody may see.
    pub settings: Values,
    /// The names of its secrets.
    pub secret_names: Vec<String>,
    /// Whether it is used; what is for it waits otherwise.
    pub enabled: bool,
    /// The other side asked for a pause.
    pub paused_until: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// Counts its changes; a pause is none.
    pub version: i32,
}

/// A channel to be, or what becomes of one.
#[derive(Debug, Clone)]
pub struct ChannelSpec {
    /// Unique among the channels.
    pub name: String,
    /// Its kind.
    pub kind: ChannelKind,
    /// Its settings.
    pub settings: Values,
    /// All of its secrets.
    pub secrets: Values,
    /// Whether it is used.
    pub enabled: bool,
}

struct Row {
    id: Uuid,
    name: String,
    kind: String,
    from_environment: bool,
    settings: serde_json::Value,
    secret: Vec<u8>,
    secret_names: Vec<String>,
    enabled: bool,
    paused_until: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    version: i32,
}

impl TryFrom<Row> for Channel {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: ChannelId::from_uuid(row.id),
            name: row.name,
            kind: convert::parse(&row.kind, "a channel's kind")?,
            from_environment: row.from_environment,
            settings: serde_json::from_value(row.settings)
                .map_err(|_| Error::corrupt("a channel's settings"))?,
            secret_names: row.secret_names,
            enabled: row.enabled,
            paused_until: row.paused_until,
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
        })
    }
}

const TAKEN: &str = "there is a channel of that name already";

impl OrgStore {
    /// Makes a channel.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the name is taken.
    pub async fn channel_create(
        &self,
        key: &ChannelKey,
        spec: &ChannelSpec,
        now: DateTime<Utc>,
    ) -> Result<ChannelId> {
        let id = ChannelId::generate();
        sqlx::query!(
            "INSERT INTO notification_channels (id, org_id, name, kind, settings, secret,
               secret_names, enabled, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)",
            id.uuid(),
            self.org.uuid(),
            spec.name,
            spec.kind.as_str(),
            serde_json::json!(spec.settings),
            key.encrypt(id, &spec.secrets)?,
            &spec.secrets.keys().cloned().collect::<Vec<_>>(),
            spec.enabled,
            now
        )
        .execute(&self.pool)
        .await
        .on_constraint("notification_channels_name_key", TAKEN)?;
        Ok(id)
    }

    /// Changes a channel and everything about it, if it is of one of these versions.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none, [`Error::Changed`] when it is of another version,
    /// [`Error::Conflict`] when the name is taken.
    pub async fn channel_update(
        &self,
        key: &ChannelKey,
        id: ChannelId,
        spec: &ChannelSpec,
        now: DateTime<Utc>,
        versions: Option<&[i32]>,
    ) -> Result<()> {
        let done = sqlx::query!(
            "UPDATE notification_channels SET name = $3, settings = $4, secret = $5,
               secret_names = $6, enabled = $7, updated_at = $8, paused_until = NULL,
               version = version + 1
             WHERE org_id = $1 AND id = $2 AND ($9::int[] IS NULL OR version = ANY ($9))",
            self.org.uuid(),
            id.uuid(),
            spec.name,
            serde_json::json!(spec.settings),
            key.encrypt(id, &spec.secrets)?,
            &spec.secrets.keys().cloned().collect::<Vec<_>>(),
            spec.enabled,
            now,
            versions
        )
        .execute(&self.pool)
        .await
        .on_constraint("notification_channels_name_key", TAKEN)?;
        if done.rows_affected() == 0 {
            let found = self.channel_fetch(&id.to_string()).await?.version;
            return Err(Error::of_version("channel", found, versions));
        }
        Ok(())
    }

    /// Deletes a channel, if it is of one of these versions; what was on its way through it is
    /// a dead letter.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none, [`Error::Changed`] when it is of another version,
    /// [`Error::Conflict`] when subscriptions use it.
    pub async fn channel_delete(
        &self,
        id: ChannelId,
        now: DateTime<Utc>,
        versions: Option<&[i32]>,
    ) -> Result<()> {
        let mut tx = self.pool.begin().await?;
        let done = sqlx::query!(
            "DELETE FROM notification_channels WHERE org_id = $1 AND id = $2
               AND ($3::int[] IS NULL OR version = ANY ($3))",
            self.org.uuid(),
            id.uuid(),
            versions
        )
        .execute(&mut *tx)
        .await
        .on_reference("subscriptions use this channel; delete them first")?;
        if done.rows_affected() == 0 {
            tx.rollback().await?;
            let found = self.channel_fetch(&id.to_string()).await?.version;
            return Err(Error::of_version("channel", found, versions));
        }
        sqlx::query!(
            "UPDATE notification_deliveries SET state = 'dead', finished_at = $3,
               last_error = 'the channel was deleted'
             WHERE org_id = $1 AND channel_id = $2 AND state = 'pending'",
            self.org.uuid(),
            id.uuid(),
            now
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// A page of the channels, by name.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn channel_list(
        &self,
        window: &Window<NameCursor>,
    ) -> Result<Page<Channel, NameCursor>> {
        let rows = sqlx::query_as!(
            Row,
            "SELECT id, name, kind, from_environment, settings, secret, secret_names, enabled,
               paused_until, created_at, updated_at, version
             FROM notification_channels WHERE org_id = $1 AND $2 < name ORDER BY name LIMIT $3",
            self.org.uuid(),
            window.name(),
            window.fetched()
        )
        .fetch_all(&self.pool)
        .await?;
        let channels: Vec<Channel> =
            rows.into_iter().map(Channel::try_from).collect::<Result<_>>()?;
        Ok(Page::of(channels, window.limit, |channel| channel.name.clone()))
    }

    /// The channel with this id or name.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none.
    pub async fn channel_fetch(&self, name: &str) -> Result<Channel> {
        self.channel_row(name).await?.try_into()
    }

    /// The channel with this id or name, and its secrets.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none.
    pub async fn channel_open(&self, key: &ChannelKey, name: &str) -> Result<(Channel, Values)> {
        let row = self.channel_row(name).await?;
        let secrets = match row.from_environment {
            true => Values::new(),
            false => key.decrypt(ChannelId::from_uuid(row.id), &row.secret)?,
        };
        Ok((row.try_into()?, secrets))
    }

    async fn channel_row(&self, name: &str) -> Result<Row> {
        sqlx::query_as!(
            Row,
            "SELECT id, name, kind, from_environment, settings, secret, secret_names, enabled,
               paused_until, created_at, updated_at, version
             FROM notification_channels WHERE org_id = $1 AND (id = $2 OR name = $3)
             ORDER BY id = $2 DESC NULLS LAST LIMIT 1",
            self.org.uuid(),
            name.parse::<ChannelId>().ok().map(ChannelId::uuid),
            name
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or(Error::NotFound { what: "channel" })
    }
}

impl Store {
    /// Makes sure that every organisation has the channel `name` that comes from the
    /// notifier's environment. Where it is new and `everything` is set, so is a
    /// subscription of all events to it.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn channel_ensure(
        &self,
        kind: ChannelKind,
        everything: bool,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let mut tx = self.pool().begin().await?;
        let orgs = sqlx::query_scalar!(
            "SELECT id FROM orgs o WHERE NOT EXISTS (
               SELECT FROM notification_channels c WHERE c.org_id = o.id AND c.name = $1)",
            kind.as_str()
        )
        .fetch_all(&mut *tx)
        .await?;
        for org in orgs.into_iter().map(OrgId::from_uuid) {
            let id = ChannelId::generate().uuid();
            let made = sqlx::query!(
                "INSERT INTO notification_channels (id, org_id, name, kind, from_environment,
                   settings, secret, secret_names, created_at, updated_at)
                 VALUES ($1, $2, $3, $3, true, '{}', '', '{}', $4, $4) ON CONFLICT DO NOTHING",
                id,
                org.uuid(),
                kind.as_str(),
                now
            )
            .execute(&mut *tx)
            .await?;
            if everything && made.rows_affected() == 1 {
                sqlx::query!(
                    "INSERT INTO notification_subscriptions (id, org_id, name, channel_id, events,
                       recipients, created_at, updated_at)
                     VALUES ($1, $2, $3, $1, '{*}', '{}', $4, $4) ON CONFLICT DO NOTHING",
                    id,
                    org.uuid(),
                    kind.as_str(),
                    now
                )
                .execute(&mut *tx)
                .await?;
            }
        }
        tx.commit().await?;
        Ok(())
    }

    /// A channel of whatever organisation, with its secrets, for the notifier.
    ///
    /// # Errors
    /// When the database is not available or the secrets do not open.
    pub async fn channel_load(
        &self,
        key: &ChannelKey,
        id: ChannelId,
    ) -> Result<Option<(Channel, Values)>> {
        let org = sqlx::query_scalar!(
            "SELECT org_id FROM notification_channels WHERE id = $1",
            id.uuid()
        )
        .fetch_optional(self.pool())
        .await?;
        let Some(org) = org else { return Ok(None) };
        match self.org(OrgId::from_uuid(org)).channel_open(key, &id.to_string()).await {
            Ok(found) => Ok(Some(found)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The other side asks for a pause: nothing is claimed for the channel until `until`.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn channel_pause(&self, id: ChannelId, until: DateTime<Utc>) -> Result<()> {
        sqlx::query!(
            "UPDATE notification_channels SET paused_until = greatest(paused_until, $2)
             WHERE id = $1",
            id.uuid(),
            until
        )
        .execute(self.pool())
        .await?;
        Ok(())
    }
}
