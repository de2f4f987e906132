//! Programs that wait until a person signs in for them.

use chrono::{DateTime, Utc};
use hoop_domain::{TokenId, UserId};
use uuid::Uuid;

use crate::{Error, OrgStore, Result, error::OnConstraint};

/// A program that wants to act for somebody.
#[derive(Debug, Clone)]
pub struct NewHandover<'a> {
    /// What the person compares on both screens.
    pub user_code: &'a str,
    /// SHA-256 of what only the program knows.
    pub challenge: [u8; 32],
    /// Where the program listens for the browser, on the person's machine.
    pub port: Option<u16>,
    /// Where the program is, as the person is told.
    pub client: &'a str,
    /// Until when it waits.
    pub expires_at: DateTime<Utc>,
}

/// A program that waits.
#[derive(Debug, Clone)]
pub struct Handover {
    /// Where the program listens for the browser, on the person's machine.
    pub port: Option<u16>,
    /// Where the program is.
    pub client: String,
}

/// What has become of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Nobody has said anything.
    Pending,
    /// Somebody said no.
    Denied,
    /// This user agreed, in this session of a browser, which ends at this time.
    Agreed(UserId, TokenId, Option<DateTime<Utc>>),
}

impl OrgStore {
    /// A program begins to wait.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the code is another's.
    pub async fn handover_begin(&self, new: &NewHandover<'_>) -> Result<Uuid> {
        let id = Uuid::now_v7();
        sqlx::query!(
            "INSERT INTO handovers (id, org_id, user_code, challenge, port, client, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            id,
            self.org.uuid(),
            new.user_code,
            new.challenge.as_slice(),
            new.port.map(i32::from),
            new.client,
            new.expires_at
        )
        .execute(&self.pool)
        .await
        .on_constraint("handovers_user_code_key", "the code is taken; try again")?;
        Ok(id)
    }

    /// The program that shows this code and still waits for a word.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none.
    pub async fn handover_fetch(&self, user_code: &str, now: DateTime<Utc>) -> Result<Handover> {
        let row = sqlx::query!(
            "SELECT port, client FROM handovers
             WHERE org_id = $1 AND user_code = $2 AND $3 < expires_at
               AND token_id IS NULL AND NOT denied",
            self.org.uuid(),
            user_code,
            now
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or(Error::NotFound { what: "code" })?;
        let port = row.port.and_then(|port| u16::try_from(port).ok());
        Ok(Handover { port, client: row.client })
    }

    /// The person of the browser's session `token` agrees, or not. The first word counts.
    ///
    /// # Errors
    /// [`Error::NotFound`] when nobody waits with this code any more.
    pub async fn handover_answer(
        &self,
        user_code: &str,
        token: Option<TokenId>,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let done = sqlx::query!(
            "UPDATE handovers SET token_id = $3, denied = $3::uuid IS NULL
             WHERE org_id = $1 AND user_code = $2 AND $4 < expires_at
               AND token_id IS NULL AND NOT denied
               AND ($3::uuid IS NULL
                 OR EXISTS (SELECT FROM api_tokens WHERE id = $3 AND kind = 'browser'))",
            self.org.uuid(),
            user_code,
            token.map(TokenId::uuid),
            now
        )
        .execute(&self.pool)
        .await?;
        if done.rows_affected() == 0 {
            return Err(Error::NotFound { what: "code" });
        }
        Ok(())
    }

    /// What the program that knows the secret of `challenge` is to be told. An answer other
    /// than "wait" is given once.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not its turn, or over.
    pub async fn handover_take(
        &self,
        id: Uuid,
        challenge: &[u8; 32],
        now: DateTime<Utc>,
    ) -> Result<Answer> {
        let gone = || Error::NotFound { what: "login; begin again" };
        let mut tx = self.pool.begin().await?;
        let row = sqlx::query!(
            "SELECT h.token_id, h.denied, t.user_id AS \"user_id?\", t.expires_at AS \"ends_at?\"
             FROM handovers h
               LEFT JOIN api_tokens t ON t.id = h.token_id
             WHERE h.org_id = $1 AND h.id = $2 AND h.challenge = $3 AND $4 < h.expires_at
             FOR UPDATE OF h",
            self.org.uuid(),
            id,
            challenge.as_slice(),
            now
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or_else(gone)?;
        let answer = match (row.denied, row.token_id, row.user_id) {
            (true, ..) => Answer::Denied,
            (false, Some(token), Some(user)) => {
                Answer::Agreed(UserId::from_uuid(user), TokenId::from_uuid(token), row.ends_at)
            }
            _ => return Ok(Answer::Pending),
        };
        sqlx::query!("DELETE FROM handovers WHERE id = $1", id).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(answer)
    }
}
