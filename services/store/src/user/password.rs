//! Changing passwords, and the first user of all.

use hoop_domain::{Secret, TokenId, UserId};

use super::{User, UserSpec};
use crate::{Error, OrgStore, Result, outbox};

impl OrgStore {
    /// The password hash of a person, if there is one.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn user_password_of(&self, id: UserId) -> Result<Option<Secret<String>>> {
        let hash = sqlx::query_scalar!(
            "SELECT password_hash FROM users WHERE org_id = $1 AND id = $2 AND active",
            self.org.uuid(),
            id.uuid()
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(hash.flatten().map(Secret::new))
    }

    /// Gives a person another password and ends all of their tokens but `keep`: logins,
    /// sessions of browsers and what programs have. Their credentials for native ports are
    /// revoked.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such person.
    pub async fn user_password_change(
        &self,
        id: UserId,
        hash: &Secret<String>,
        keep: Option<TokenId>,
    ) -> Result<()> {
        let mut tx = self.pool.begin().await?;
        let done = sqlx::query!(
            "UPDATE users SET password_hash = $3, updated_at = now()
             WHERE org_id = $1 AND id = $2 AND kind = 'person'",
            self.org.uuid(),
            id.uuid(),
            hash.reveal()
        )
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() == 0 {
            return Err(Error::NotFound { what: "user" });
        }
        let keep = keep.map(TokenId::uuid);
        // It would end with the session of the browser that it was had through.
        sqlx::query!(
            "UPDATE api_tokens SET parent_id = NULL
             WHERE org_id = $1 AND user_id = $2 AND id = $3",
            self.org.uuid(),
            id.uuid(),
            keep
        )
        .execute(&mut *tx)
        .await?;
        sqlx::query!(
            "DELETE FROM api_tokens
             WHERE org_id = $1 AND user_id = $2 AND ($3::uuid IS NULL OR id <> $3)",
            self.org.uuid(),
            id.uuid(),
            keep
        )
        .execute(&mut *tx)
        .await?;
        sqlx::query!(
            "UPDATE credentials SET revoked_at = now()
             WHERE org_id = $1 AND user_id = $2 AND revoked_at IS NULL",
            self.org.uuid(),
            id.uuid()
        )
        .execute(&mut *tx)
        .await?;
        let body = serde_json::json!({ "user": id.to_string() });
        outbox::append(&mut tx, self.org.uuid(), "user.updated", &body).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Makes a user if there is none yet, whoever else tries at the same time.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn user_create_first(&self, spec: &UserSpec) -> Result<Option<User>> {
        let mut guard = self.pool.begin().await?;
        sqlx::query!("SELECT id FROM orgs WHERE id = $1 FOR NO KEY UPDATE", self.org.uuid())
            .fetch_optional(&mut *guard)
            .await?;
        if !self.user_list_is_empty().await? {
            return Ok(None);
        }
        let user = self.user_create(spec).await?;
        guard.commit().await?;
        Ok(Some(user))
    }
}
