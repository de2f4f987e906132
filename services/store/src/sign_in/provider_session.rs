//! What the identity provider is asked again and again: is this person still one of yours?

use chrono::{DateTime, Utc};
use hoop_domain::{GroupName, TokenId, UserId};

use crate::{OrgStore, Result};

/// A session of a browser whose person the provider is to be asked about.
#[derive(Debug, Clone)]
pub struct ProviderSession {
    /// The browser's session.
    pub token: TokenId,
    /// Whose it is.
    pub user: UserId,
    /// Who that is at the provider.
    pub subject: Option<String>,
    /// Encrypted, bound to the token's id.
    pub refresh_token: Vec<u8>,
}

impl OrgStore {
    /// Keeps what the provider is asked with, and when that is to be.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn provider_session_keep(
        &self,
        token: TokenId,
        refresh_token: &[u8],
        due_at: DateTime<Utc>,
    ) -> Result<()> {
        sqlx::query!(
            "INSERT INTO provider_sessions (token_id, org_id, refresh_token, due_at)
             SELECT id, org_id, $3, $4 FROM api_tokens WHERE org_id = $1 AND id = $2
             ON CONFLICT (token_id)
             DO UPDATE SET refresh_token = EXCLUDED.refresh_token, due_at = EXCLUDED.due_at",
            self.org.uuid(),
            token.uuid(),
            refresh_token,
            due_at
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Up to ten sessions that are due at `now`. They are due again at `again`, so that no
    /// other process asks meanwhile.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn provider_session_claim(
        &self,
        now: DateTime<Utc>,
        again: DateTime<Utc>,
    ) -> Result<Vec<ProviderSession>> {
        let rows = sqlx::query!(
            "UPDATE provider_sessions p SET due_at = $3 FROM api_tokens t
               JOIN users u ON u.id = t.user_id
             WHERE t.id = p.token_id AND p.token_id IN (
               SELECT token_id FROM provider_sessions WHERE org_id = $1 AND due_at <= $2
               ORDER BY due_at LIMIT 10 FOR UPDATE SKIP LOCKED)
             RETURNING p.token_id, t.user_id, u.subject, p.refresh_token",
            self.org.uuid(),
            now,
            again
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| ProviderSession {
                token: TokenId::from_uuid(row.token_id),
                user: UserId::from_uuid(row.user_id),
                subject: row.subject,
                refresh_token: row.refresh_token,
            })
            .collect())
    }

    /// The provider names these groups now.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn provider_groups_set(&self, user: UserId, groups: &[GroupName]) -> Result<()> {
        let mut tx = self.pool.begin().await?;
        self.provider_groups(&mut tx, user, groups).await?;
        tx.commit().await?;
        Ok(())
    }
}
