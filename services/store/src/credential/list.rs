//! Finding credentials.

use chrono::{DateTime, Utc};
use hoop_domain::{CredentialId, UserId};

use crate::{Cursor, OrgStore, Page, Result, page::fetched};

/// A credential as a list shows it. Nothing of its password is read.
#[derive(Debug, Clone)]
pub struct ListedCredential {
    /// The id.
    pub id: CredentialId,
    /// Its owner.
    pub user: UserId,
    /// The owner's address.
    pub user_email: String,
    /// The connection that it opens.
    pub connection_name: String,
    /// Its user name.
    pub username: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it stops working.
    pub expires_at: DateTime<Utc>,
    /// When it was revoked, if it was.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// Which credentials; `None` is all of them.
#[derive(Debug, Clone, Default)]
pub struct CredentialFilter {
    /// Only this user's: what the one who asks may see.
    pub visible_to: Option<UserId>,
    /// The owner's id or e-mail address.
    pub user: Option<String>,
    /// The connection's name.
    pub connection: Option<String>,
    /// `active`, `expired` or `revoked`.
    pub status: Option<String>,
}

impl ListedCredential {
    /// `revoked`, `expired` or `active`, at `now`.
    #[must_use]
    pub fn status(&self, now: DateTime<Utc>) -> &'static str {
        match self.revoked_at {
            Some(_) => "revoked",
            None if self.expires_at <= now => "expired",
            None => "active",
        }
    }
}

impl OrgStore {
    /// A page of credentials as they are at `now`, the newest first.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn credential_list(
        &self,
        filter: &CredentialFilter,
        now: DateTime<Utc>,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Page<ListedCredential>> {
        let rows = sqlx::query!(
            "SELECT k.id, k.user_id, u.email, c.name, k.username, k.created_at, k.expires_at,
               k.revoked_at
             FROM credentials k
               JOIN users u ON u.id = k.user_id
               JOIN connections c ON c.id = k.connection_id
             WHERE k.org_id = $1
               AND ($2::uuid IS NULL OR k.id < $2)
               AND ($3::uuid IS NULL OR k.user_id = $3)
               AND ($4::text IS NULL OR u.email = lower($4) OR u.id::text = $4)
               AND ($5::text IS NULL OR c.name = $5)
               AND ($6::text IS NULL OR $6 = CASE WHEN k.revoked_at IS NOT NULL THEN 'revoked'
                 WHEN k.expires_at <= $7 THEN 'expired' ELSE 'active' END)
             ORDER BY k.id DESC LIMIT $8",
            self.org.uuid(),
            after.map(Cursor::uuid),
            filter.visible_to.map(UserId::uuid),
            filter.user,
            filter.connection,
            filter.status,
            now,
            fetched(limit)
        )
        .fetch_all(&self.pool)
        .await?;
        let rows = rows.into_iter().map(|row| ListedCredential {
            id: CredentialId::from_uuid(row.id),
            user: UserId::from_uuid(row.user_id),
            user_email: row.email,
            connection_name: row.name,
            username: row.username,
            created_at: row.created_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
        });
        Ok(Page::of(rows.collect(), limit, |row| row.id.uuid()))
    }
}
