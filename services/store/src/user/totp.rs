//! Second factors of local users: an encrypted secret, and codes that work once.

use chrono::{DateTime, Utc};
use hoop_domain::UserId;

use crate::{Error, OrgStore, Result};

const NONE: Error = Error::NotFound { what: "second factor" };

/// A user's second factor.
#[derive(Debug, Clone)]
pub struct Totp {
    /// As it was encrypted.
    pub secret: Vec<u8>,
    /// When its first code was shown; until then it is not asked for.
    pub confirmed_at: Option<DateTime<Utc>>,
    /// How many recovery codes are left.
    pub recovery_codes: i64,
}

impl OrgStore {
    /// The second factor of `user`, if there is one, confirmed or not.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn totp_fetch(&self, user: UserId) -> Result<Option<Totp>> {
        let row = sqlx::query_as!(
            Totp,
            r#"SELECT secret, confirmed_at,
                 (SELECT count(*) FROM user_recovery_codes c WHERE c.user_id = t.user_id)
                   AS "recovery_codes!"
               FROM user_totp t WHERE org_id = $1 AND user_id = $2"#,
            self.org.uuid(),
            user.uuid()
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row)
    }

    /// Keeps the encrypted secret of a second factor that is to be confirmed.
    ///
    /// # Errors
    /// [`Error::Conflict`] when there is one that is confirmed.
    pub async fn totp_enrol(&self, user: UserId, secret: &[u8]) -> Result<()> {
        let done = sqlx::query!(
            "INSERT INTO user_totp (user_id, org_id, secret) VALUES ($2, $1, $3)
             ON CONFLICT (user_id) DO UPDATE SET secret = excluded.secret, created_at = now()
             WHERE user_totp.confirmed_at IS NULL",
            self.org.uuid(),
            user.uuid(),
            secret
        )
        .execute(&self.pool)
        .await?;
        if done.rows_affected() == 0 {
            let what = "there is a second factor already; disable it first";
            return Err(Error::Conflict { what });
        }
        Ok(())
    }

    /// The second factor is asked for from now on; `digests` are those of its recovery codes.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none to be confirmed.
    pub async fn totp_confirm(&self, user: UserId, step: i64, digests: &[Vec<u8>]) -> Result<()> {
        let mut tx = self.pool.begin().await?;
        let done = sqlx::query!(
            "UPDATE user_totp SET confirmed_at = now(), last_step = $3
             WHERE org_id = $1 AND user_id = $2 AND confirmed_at IS NULL",
            self.org.uuid(),
            user.uuid(),
            step
        )
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() == 0 {
            return Err(NONE);
        }
        sqlx::query!(
            "INSERT INTO user_recovery_codes (user_id, digest)
             SELECT $1, digest FROM unnest($2::bytea[]) AS digest",
            user.uuid(),
            digests
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Uses up the code of this time step. False when it, or a later one, was used before.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn totp_use(&self, user: UserId, step: i64) -> Result<bool> {
        let done = sqlx::query!(
            "UPDATE user_totp SET last_step = $3
             WHERE org_id = $1 AND user_id = $2 AND last_step < $3",
            self.org.uuid(),
            user.uuid(),
            step
        )
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Uses up a recovery code. False when there is no such code, or not any more.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn totp_recover(&self, user: UserId, digest: &[u8; 32]) -> Result<bool> {
        let done = sqlx::query!(
            "DELETE FROM user_recovery_codes c USING user_totp t
             WHERE t.org_id = $1 AND t.user_id = $2 AND t.confirmed_at IS NOT NULL
               AND c.user_id = t.user_id AND c.digest = $3",
            self.org.uuid(),
            user.uuid(),
            digest.as_slice()
        )
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Forgets the second factor of `user` and its recovery codes.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none.
    pub async fn totp_delete(&self, user: UserId) -> Result<()> {
        let done = sqlx::query!(
            "DELETE FROM user_totp WHERE org_id = $1 AND user_id = $2",
            self.org.uuid(),
            user.uuid()
        )
        .execute(&self.pool)
        .await?;
        if done.rows_affected() == 0 { Err(NONE) } else { Ok(()) }
    }
}
