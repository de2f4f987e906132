//! Who comes with an API key, and when it was used.

use chrono::{DateTime, TimeDelta, Utc};
use hoop_domain::{OrgId, TokenId};

use crate::{
    Result, Store,
    token::{Kind, TokenOwner},
    user,
};

/// How exactly it is known when a key was used: writing it down each time would cost a write
/// for each request.
const EXACTNESS: TimeDelta = TimeDelta::minutes(1);

/// A key that was presented and is valid.
#[derive(Debug, Clone)]
pub struct KeyOwner {
    /// Whose it is: the key's own user, or its service account.
    pub owner: TokenOwner,
    /// When it was used last, as far as it is known.
    pub last_used_at: Option<DateTime<Utc>>,
}

impl KeyOwner {
    /// Whether it is time to write down that the key was used at `now`.
    #[must_use]
    pub fn is_use_news(&self, now: DateTime<Utc>) -> bool {
        self.last_used_at.is_none_or(|last| last <= now - EXACTNESS)
    }
}

impl Store {
    /// Whose key this is, if it is valid at `now`.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn api_key_owner(
        &self,
        digest: &[u8; 32],
        now: DateTime<Utc>,
    ) -> Result<Option<KeyOwner>> {
        let row = sqlx::query!(
            r#"SELECT k.id AS key_id, k.org_id, k.expires_at, k.last_used_at,
                 u.id, u.email, u.name, u.active, u.created_at,
                 ARRAY(SELECT g.name FROM user_groups m JOIN groups g ON g.id = m.group_id
                       WHERE m.user_id = u.id ORDER BY g.name) AS "groups!"
               FROM api_keys k JOIN users u ON u.id = k.user_id
               WHERE k.digest = $1 AND k.revoked_at IS NULL
                 AND (k.expires_at IS NULL OR $2 < k.expires_at)"#,
            digest.as_slice(),
            now
        )
        .fetch_optional(self.pool())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let user = user::Row {
            id: row.id,
            email: row.email,
            name: row.name,
            active: row.active,
            groups: row.groups,
            created_at: row.created_at,
        };
        let owner = TokenOwner {
            token: TokenId::from_uuid(row.key_id),
            org: OrgId::from_uuid(row.org_id),
            user: user.try_into()?,
            kind: Kind::Program,
            expires_at: row.expires_at,
        };
        Ok(Some(KeyOwner { owner, last_used_at: row.last_used_at }))
    }

    /// Writes down that a key was used at `now`, unless that is known to the minute.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn api_key_used(&self, key: TokenId, now: DateTime<Utc>) -> Result<()> {
        sqlx::query!(
            "UPDATE api_keys SET last_used_at = $2
             WHERE id = $1 AND (last_used_at IS NULL OR last_used_at <= $3)",
            key.uuid(),
            now,
            now - EXACTNESS
        )
        .execute(self.pool())
        .await?;
        Ok(())
    }

    /// Switches off the users of keys that have expired, so that what else a key has made,
    /// such as credentials, ends with it.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn api_key_retire_expired(&self, now: DateTime<Utc>) -> Result<u64> {
        let done = sqlx::query!(
            "UPDATE users u SET active = false FROM api_keys k
             WHERE k.user_id = u.id AND u.kind = 'api_key' AND u.active AND k.expires_at <= $1",
            now
        )
        .execute(self.pool())
        .await?;
        Ok(done.rows_affected())
    }
}
