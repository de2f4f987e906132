//! People on their way to an identity provider that speaks SAML, and back in two steps: the
//! answer comes with a form of another site, and is taken by the browser that was sent.

use chrono::{DateTime, Utc};
use hoop_domain::GroupName;

use super::Identity;
use crate::{OrgStore, Result};

/// Somebody who was sent to the identity provider.
#[derive(Debug, Clone)]
pub struct SamlSignIn {
    /// SHA-256 of the cookie of the browser that was sent.
    pub browser_digest: [u8; 32],
    /// What the answer has to be in response to.
    pub request_id: String,
    /// The path to go back to.
    pub destination: String,
    /// Until when.
    pub expires_at: DateTime<Utc>,
}

/// What the identity provider answered.
#[derive(Debug, Clone)]
pub struct SamlAnswer {
    /// Who it is.
    pub identity: Identity,
    /// When the provider wants the session to end, if it says so.
    pub ends_at: Option<DateTime<Utc>>,
}

/// An answer and whom it is for.
#[derive(Debug, Clone)]
pub struct SamlArrival {
    /// SHA-256 of the cookie of the browser that was sent.
    pub browser_digest: [u8; 32],
    /// The path to go back to.
    pub destination: String,
    /// What was answered.
    pub answer: SamlAnswer,
}

impl OrgStore {
    /// Remembers who was sent, under the digest of the relay state that comes back.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn saml_sign_in_begin(&self, relay: &[u8; 32], sign_in: &SamlSignIn) -> Result<()> {
        sqlx::query!(
            "INSERT INTO saml_sign_ins
               (relay_digest, org_id, browser_digest, request_id, destination, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6)",
            relay.as_slice(),
            self.org.uuid(),
            sign_in.browser_digest.as_slice(),
            sign_in.request_id,
            sign_in.destination,
            sign_in.expires_at
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// What an answer with this relay state has to be in response to, if one is waited for.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn saml_sign_in_pending(
        &self,
        relay: &[u8; 32],
        now: DateTime<Utc>,
    ) -> Result<Option<String>> {
        let row = sqlx::query!(
            "SELECT request_id FROM saml_sign_ins
             WHERE org_id = $1 AND relay_digest = $2 AND $3 < expires_at
               AND bearer_digest IS NULL",
            self.org.uuid(),
            relay.as_slice(),
            now
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| row.request_id))
    }

    /// Keeps what was answered until `expires_at`, for the browser that has the secret of
    /// `bearer`. Of several answers, one is kept: whether it was this one.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn saml_sign_in_answer(
        &self,
        relay: &[u8; 32],
        bearer: &[u8; 32],
        answer: &SamlAnswer,
        now: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> Result<bool> {
        let SamlAnswer { identity, ends_at } = answer;
        let groups: Option<Vec<String>> = identity
            .groups
            .as_ref()
            .map(|groups| groups.iter().map(|group| group.as_str().to_owned()).collect());
        let done = sqlx::query!(
            "UPDATE saml_sign_ins
             SET bearer_digest = $3, subject = $4, email = $5, name = $6, groups = $7,
               ends_at = $8, expires_at = $10
             WHERE org_id = $1 AND relay_digest = $2 AND $9 < expires_at
               AND bearer_digest IS NULL",
            self.org.uuid(),
            relay.as_slice(),
            bearer.as_slice(),
            identity.subject,
            identity.email,
            identity.name,
            groups.as_deref(),
            *ends_at,
            now,
            expires_at
        )
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// What was answered, for the browser that has the secret of `bearer`. It is given once.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn saml_sign_in_take(
        &self,
        bearer: &[u8; 32],
        now: DateTime<Utc>,
    ) -> Result<Option<SamlArrival>> {
        let row = sqlx::query!(
            "DELETE FROM saml_sign_ins WHERE org_id = $1 AND bearer_digest = $2
             RETURNING browser_digest, destination, expires_at, subject, email, name, groups,
               ends_at",
            self.org.uuid(),
            bearer.as_slice()
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.filter(|row| now < row.expires_at).and_then(|row| {
            let groups = row.groups.map(|names| {
                names.iter().filter_map(|name| name.parse().ok()).collect::<Vec<GroupName>>()
            });
            let identity = Identity {
                subject: row.subject?,
                email: row.email?,
                email_unverified: false,
                name: row.name?,
                groups,
            };
            Some(SamlArrival {
                browser_digest: row.browser_digest.try_into().ok()?,
                destination: row.destination,
                answer: SamlAnswer { identity, ends_at: row.ends_at },
            })
        }))
    }
}
