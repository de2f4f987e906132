//! Making, changing, revoking and reactivating API keys.

use chrono::{DateTime, Utc};
use hoop_domain::{ApiKeyName, GroupName, TokenId, UserId};
use sqlx::PgConnection;
use uuid::Uuid;

use super::ApiKey;
use crate::{Error, OrgStore, Result, error::OnConstraint};

const TAKEN: &str = "there is an API key of that name already; names of revoked keys stay taken";

/// A key to be.
#[derive(Debug, Clone)]
pub struct NewApiKey<'a> {
    /// The name.
    pub name: ApiKeyName,
    /// SHA-256 of the key.
    pub digest: [u8; 32],
    /// Its beginning and its end.
    pub masked: String,
    /// Groups that do not exist are made. Without meaning for a key of a service account.
    pub groups: Vec<GroupName>,
    /// The service account that it belongs to; `None` for a key that stands for itself.
    pub service_account: Option<UserId>,
    /// Who makes it.
    pub created_by: &'a str,
    /// When it stops working.
    pub expires_at: Option<DateTime<Utc>>,
}

/// What becomes of a key; `None` leaves it as it is.
#[derive(Debug, Clone, Default)]
pub struct ApiKeyChange {
    /// Its groups, unless it belongs to a service account.
    pub groups: Option<Vec<GroupName>>,
    /// When it stops working.
    pub expires_at: Option<DateTime<Utc>>,
}

impl OrgStore {
    /// Keeps the digest of a new key.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the name is taken.
    pub async fn api_key_create(&self, new: &NewApiKey<'_>) -> Result<ApiKey> {
        let (mut tx, id) = (self.pool.begin().await?, TokenId::generate());
        let user = match new.service_account {
            Some(account) => account,
            None => self.key_user(&mut tx, new).await?,
        };
        sqlx::query!(
            "INSERT INTO api_keys
               (id, org_id, user_id, name, digest, masked, created_by, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            id.uuid(),
            self.org.uuid(),
            user.uuid(),
            new.name.as_str(),
            new.digest.as_slice(),
            new.masked,
            new.created_by,
            new.expires_at
        )
        .execute(&mut *tx)
        .await
        .on_constraint("api_keys_name_key", TAKEN)?;
        tx.commit().await?;
        self.api_key_fetch(&id.to_string()).await
    }

    /// The user that a key is, of its name and groups.
    async fn key_user(&self, conn: &mut PgConnection, new: &NewApiKey<'_>) -> Result<UserId> {
        let id = UserId::generate();
        sqlx::query!(
            "INSERT INTO users (id, org_id, email, name, kind)
             VALUES ($1, $2, 'api-key:' || lower($3), $3, 'api_key')",
            id.uuid(),
            self.org.uuid(),
            new.name.as_str()
        )
        .execute(&mut *conn)
        .await
        .on_constraint("users_email_key", TAKEN)?;
        self.join_groups(conn, id, &new.groups).await?;
        Ok(id)
    }

    /// Changes what a key may and how long it works, if it is of one of these versions.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such key, [`Error::Changed`] when it is of another
    /// version.
    pub async fn api_key_update(
        &self,
        id: TokenId,
        change: &ApiKeyChange,
        versions: Option<&[i32]>,
    ) -> Result<ApiKey> {
        let mut tx = self.pool.begin().await?;
        let user = sqlx::query_scalar!(
            "UPDATE api_keys SET expires_at = COALESCE($3, expires_at), version = version + 1
             WHERE org_id = $1 AND id = $2 AND ($4::int[] IS NULL OR version = ANY ($4))
             RETURNING user_id",
            self.org.uuid(),
            id.uuid(),
            change.expires_at,
            versions
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(user) = user else {
            tx.rollback().await?;
            let found = self.api_key_fetch(&id.to_string()).await?.version;
            return Err(Error::of_version("API key", found, versions));
        };
        let own = self.settle(&mut tx, id).await?;
        if let Some(groups) = change.groups.as_ref().filter(|_| own) {
            sqlx::query!(
                "DELETE FROM user_groups WHERE org_id = $1 AND user_id = $2",
                self.org.uuid(),
                user
            )
            .execute(&mut *tx)
            .await?;
            self.join_groups(&mut tx, UserId::from_uuid(user), groups).await?;
        }
        tx.commit().await?;
        self.api_key_fetch(&id.to_string()).await
    }

    /// Revokes a key, if it is of one of these versions; one that is revoked stays so.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such key, [`Error::Changed`] when it is of another
    /// version.
    pub async fn api_key_revoke(
        &self,
        id: TokenId,
        by: &str,
        versions: Option<&[i32]>,
    ) -> Result<()> {
        let mut tx = self.pool.begin().await?;
        let done = sqlx::query!(
            "UPDATE api_keys SET revoked_at = COALESCE(revoked_at, now()),
               revoked_by = COALESCE(revoked_by, $3), version = version + 1
             WHERE org_id = $1 AND id = $2 AND ($4::int[] IS NULL OR version = ANY ($4))",
            self.org.uuid(),
            id.uuid(),
            by,
            versions
        )
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() == 0 {
            tx.rollback().await?;
            let found = self.api_key_fetch(&id.to_string()).await?.version;
            return Err(Error::of_version("API key", found, versions));
        }
        self.settle(&mut tx, id).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Makes a revoked key work again, if it is of one of these versions.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such key, [`Error::Changed`] when it is of another
    /// version, [`Error::Conflict`] when its time is over.
    pub async fn api_key_reactivate(
        &self,
        id: TokenId,
        now: DateTime<Utc>,
        versions: Option<&[i32]>,
    ) -> Result<ApiKey> {
        let mut tx = self.pool.begin().await?;
        let done = sqlx::query!(
            "UPDATE api_keys SET revoked_at = NULL, revoked_by = NULL, version = version + 1
             WHERE org_id = $1 AND id = $2 AND (expires_at IS NULL OR $3 < expires_at)
               AND ($4::int[] IS NULL OR version = ANY ($4))",
            self.org.uuid(),
            id.uuid(),
            now,
            versions
        )
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() == 0 {
            tx.rollback().await?;
            let found = self.api_key_fetch(&id.to_string()).await?.version;
            let what = "the API key has expired; give it more time first, or make another";
            return Err(match Error::of_version("API key", found, versions) {
                Error::NotFound { .. } => Error::Conflict { what },
                changed => changed,
            });
        }
        self.settle(&mut tx, id).await?;
        tx.commit().await?;
        self.api_key_fetch(&id.to_string()).await
    }

    /// Makes the key's own user as active as the key is. Whether it has one.
    async fn settle(&self, conn: &mut PgConnection, id: TokenId) -> Result<bool> {
        let own: Option<Uuid> = sqlx::query_scalar!(
            "UPDATE users u SET updated_at = now(), active = k.revoked_at IS NULL
                 AND (k.expires_at IS NULL OR now() < k.expires_at)
             FROM api_keys k
             WHERE k.org_id = $1 AND k.id = $2 AND u.id = k.user_id AND u.kind = 'api_key'
             RETURNING u.id",
            self.org.uuid(),
            id.uuid()
        )
        .fetch_optional(conn)
        .await?;
        Ok(own.is_some())
    }
}
