//! Secrets as they are stored, so that they can be encrypted with another key.

use hoop_domain::{ChannelId, ConnectionId, TokenId, UserId};
use uuid::Uuid;

use crate::{OrgStore, Result};

mod plugin;

/// A secret that belongs to a `T`, such as [`ConnectionId`].
#[derive(Debug, Clone)]
pub struct Sealed<T> {
    /// What it belongs to, and is bound to.
    pub id: T,
    /// What that is called.
    pub name: String,
    /// The secret, encrypted.
    pub stored: Vec<u8>,
}

struct Row {
    id: Uuid,
    name: String,
    secret: Vec<u8>,
}

impl<T> Sealed<T> {
    fn of(rows: Vec<Row>, id: impl Fn(Uuid) -> T) -> Vec<Self> {
        let sealed = |row: Row| Self { id: id(row.id), name: row.name, stored: row.secret };
        rows.into_iter().map(sealed).collect()
    }
}

impl OrgStore {
    /// The next secrets of connections after `after`, at most `limit`.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn sealed_connections(
        &self,
        after: Option<ConnectionId>,
        limit: u32,
    ) -> Result<Vec<Sealed<ConnectionId>>> {
        let rows = sqlx::query_as!(
            Row,
            "SELECT id, name, secret
             FROM connections WHERE org_id = $1
               AND ($2::uuid IS NULL OR $2 < id)
             ORDER BY id LIMIT $3",
            self.org.uuid(),
            after.map(ConnectionId::uuid),
            i64::from(limit)
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(Sealed::of(rows, ConnectionId::from_uuid))
    }

    /// The next secrets of channels after `after`, at most `limit`; not of those that the
    /// notifier's environment sets up, which have none here.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn sealed_channels(
        &self,
        after: Option<ChannelId>,
        limit: u32,
    ) -> Result<Vec<Sealed<ChannelId>>> {
        let rows = sqlx::query_as!(
            Row,
            "SELECT id, name, secret
             FROM notification_channels WHERE org_id = $1 AND NOT from_environment
               AND ($2::uuid IS NULL OR $2 < id)
             ORDER BY id LIMIT $3",
            self.org.uuid(),
            after.map(ChannelId::uuid),
            i64::from(limit)
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(Sealed::of(rows, ChannelId::from_uuid))
    }

    /// Stores the same secret of a connection under another key, unless somebody has changed
    /// it meanwhile. Nothing else about the connection changes.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn connection_reseal(&self, old: &Sealed<ConnectionId>, new: &[u8]) -> Result<()> {
        sqlx::query!(
            "UPDATE connections SET secret = $4
             WHERE org_id = $1 AND id = $2 AND secret = $3",
            self.org.uuid(),
            old.id.uuid(),
            old.stored,
            new
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The same for a channel.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn channel_reseal(&self, old: &Sealed<ChannelId>, new: &[u8]) -> Result<()> {
        sqlx::query!(
            "UPDATE notification_channels SET secret = $4
             WHERE org_id = $1 AND id = $2 AND secret = $3",
            self.org.uuid(),
            old.id.uuid(),
            old.stored,
            new
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The next second factors of users after `after`, at most `limit`.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn sealed_second_factors(
        &self,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<Sealed<UserId>>> {
        let rows = sqlx::query_as!(
            Row,
            "SELECT u.id, u.email AS name, t.secret
             FROM user_totp t JOIN users u ON u.id = t.user_id
             WHERE t.org_id = $1 AND ($2::uuid IS NULL OR $2 < u.id)
             ORDER BY u.id LIMIT $3",
            self.org.uuid(),
            after.map(UserId::uuid),
            i64::from(limit)
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(Sealed::of(rows, UserId::from_uuid))
    }

    /// The next refresh tokens of browsers' sessions after `after`, at most `limit`.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn sealed_refresh_tokens(
        &self,
        after: Option<TokenId>,
        limit: u32,
    ) -> Result<Vec<Sealed<TokenId>>> {
        let rows = sqlx::query_as!(
            Row,
            "SELECT p.token_id AS id, u.email AS name, p.refresh_token AS secret
             FROM provider_sessions p
               JOIN api_tokens t ON t.id = p.token_id JOIN users u ON u.id = t.user_id
             WHERE p.org_id = $1 AND ($2::uuid IS NULL OR $2 < p.token_id)
             ORDER BY p.token_id LIMIT $3",
            self.org.uuid(),
            after.map(TokenId::uuid),
            i64::from(limit)
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(Sealed::of(rows, TokenId::from_uuid))
    }

    /// Stores the same second factor under another key, unless it was changed meanwhile.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn second_factor_reseal(&self, old: &Sealed<UserId>, new: &[u8]) -> Result<()> {
        sqlx::query!(
            "UPDATE user_totp SET secret = $4
             WHERE org_id = $1 AND user_id = $2 AND secret = $3",
            self.org.uuid(),
            old.id.uuid(),
            old.stored,
            new
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The same for a refresh token.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn refresh_token_reseal(&self, old: &Sealed<TokenId>, new: &[u8]) -> Result<()> {
        sqlx::query!(
            "UPDATE provider_sessions SET refresh_token = $4
             WHERE org_id = $1 AND token_id = $2 AND refresh_token = $3",
            self.org.uuid(),
            old.id.uuid(),
            old.stored,
            new
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
