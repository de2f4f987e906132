//! Requests that are sent twice and done once.

use chrono::{DateTime, Utc};
use hoop_domain::UserId;

use crate::{OrgStore, Result, Store};

/// A request that its sender has given a key.
#[derive(Debug, Clone, Copy)]
pub struct Once {
    /// Who sent it.
    pub user: UserId,
    /// SHA-256 of the route and the key.
    pub key: [u8; 32],
    /// SHA-256 of all that makes it this request.
    pub request: [u8; 32],
}

/// What to do with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// Do it: nobody has.
    Yours,
    /// It is being done, or nobody knows how it ended that was begun at this time.
    Begun(DateTime<Utc>),
    /// It was done.
    Done {
        /// The HTTP status.
        status: u16,
        /// The encrypted answer; `None` when it was too long.
        answer: Option<Vec<u8>>,
    },
    /// The key is that of another request.
    Another,
}

impl OrgStore {
    /// Whether to do a request. Of those who ask at the same time, one may.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn idempotency_begin(&self, once: &Once, now: DateTime<Utc>) -> Result<Turn> {
        let begun = sqlx::query!(
            "INSERT INTO idempotency_keys (org_id, user_id, key_digest, request_digest, begun_at)
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
            self.org.uuid(),
            once.user.uuid(),
            once.key.as_slice(),
            once.request.as_slice(),
            now
        )
        .execute(&self.pool)
        .await?;
        if begun.rows_affected() == 1 {
            return Ok(Turn::Yours);
        }
        let row = sqlx::query!(
            "SELECT request_digest, begun_at, status, answer FROM idempotency_keys
             WHERE org_id = $1 AND user_id = $2 AND key_digest = $3",
            self.org.uuid(),
            once.user.uuid(),
            once.key.as_slice()
        )
        .fetch_optional(&self.pool)
        .await?;
        // Gone in between: it came to nothing, and may be begun again.
        let Some(row) = row else { return Ok(Turn::Begun(now)) };
        if row.request_digest != once.request {
            return Ok(Turn::Another);
        }
        Ok(match row.status.and_then(|status| u16::try_from(status).ok()) {
            Some(status) => Turn::Done { status, answer: row.answer },
            None => Turn::Begun(row.begun_at),
        })
    }

    /// It was done, and answered so.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn idempotency_done(
        &self,
        once: &Once,
        status: u16,
        answer: Option<&[u8]>,
    ) -> Result<()> {
        sqlx::query!(
            "UPDATE idempotency_keys SET status = $4, answer = $5
             WHERE org_id = $1 AND user_id = $2 AND key_digest = $3",
            self.org.uuid(),
            once.user.uuid(),
            once.key.as_slice(),
            i32::from(status),
            answer
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// It came to nothing: who sends it again has another try.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn idempotency_undone(&self, once: &Once) -> Result<()> {
        sqlx::query!(
            "DELETE FROM idempotency_keys
             WHERE org_id = $1 AND user_id = $2 AND key_digest = $3 AND status IS NULL",
            self.org.uuid(),
            once.user.uuid(),
            once.key.as_slice()
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

impl Store {
    /// Forgets requests that were begun before `before`.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn idempotency_forget(&self, before: DateTime<Utc>) -> Result<()> {
        sqlx::query!("DELETE FROM idempotency_keys WHERE begun_at < $1", before)
            .execute(self.pool())
            .await?;
        Ok(())
    }
}
