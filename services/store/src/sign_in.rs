//! People on their way to the identity provider and back, and programs that wait for them.

use chrono::{DateTime, Utc};

use crate::{OrgStore, Result, Store};

mod handover;
mod person;
mod provider_session;
mod saml;

pub use handover::{Answer, Handover, NewHandover};
pub use person::{Identity, NotLetIn};
pub use provider_session::ProviderSession;
pub use saml::{SamlAnswer, SamlArrival, SamlSignIn};

/// Somebody who was sent to the identity provider.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// SHA-256 of the cookie of the browser that was sent.
    pub browser_digest: [u8; 32],
    /// What the identity token has to repeat.
    pub nonce: String,
    /// What proves that the code is ours to redeem.
    pub pkce_verifier: String,
    /// The path to go back to.
    pub destination: String,
    /// Until when.
    pub expires_at: DateTime<Utc>,
}

impl OrgStore {
    /// Remembers who was sent, under the digest of the state that comes back with them.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn sign_in_begin(&self, state: &[u8; 32], sign_in: &SignIn) -> Result<()> {
        sqlx::query!(
            "INSERT INTO sign_ins (state_digest, org_id, browser_digest, nonce, pkce_verifier,
               destination, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
            state.as_slice(),
            self.org.uuid(),
            sign_in.browser_digest.as_slice(),
            sign_in.nonce,
            sign_in.pkce_verifier,
            sign_in.destination,
            sign_in.expires_at
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Who comes back with this state, if they were sent and it is not too late. A state is
    /// good for one return.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn sign_in_take(
        &self,
        state: &[u8; 32],
        now: DateTime<Utc>,
    ) -> Result<Option<SignIn>> {
        let row = sqlx::query!(
            "DELETE FROM sign_ins WHERE org_id = $1 AND state_digest = $2
             RETURNING browser_digest, nonce, pkce_verifier, destination, expires_at",
            self.org.uuid(),
            state.as_slice()
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.filter(|row| now < row.expires_at).and_then(|row| {
            Some(SignIn {
                browser_digest: row.browser_digest.try_into().ok()?,
                nonce: row.nonce,
                pkce_verifier: row.pkce_verifier,
                destination: row.destination,
                expires_at: row.expires_at,
            })
        }))
    }
}

impl Store {
    /// Forgets who did not come back, and programs that nobody signed in for.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn sign_in_forget_expired(&self, now: DateTime<Utc>) -> Result<()> {
        sqlx::query!("DELETE FROM sign_ins WHERE expires_at < $1", now)
            .execute(self.pool())
            .await?;
        sqlx::query!("DELETE FROM saml_sign_ins WHERE expires_at < $1", now)
            .execute(self.pool())
            .await?;
        sqlx::query!("DELETE FROM handovers WHERE expires_at < $1", now)
            .execute(self.pool())
            .await?;
        Ok(())
    }
}
