//! Credentials for native ports: a user name and the SCRAM verifier of a password.

use chrono::{DateTime, Utc};
use hoop_domain::{ConnectionId, CredentialId, OrgId, UserId};

use crate::{Error, OrgStore, Result, Store, error::OnConstraint, outbox};

mod list;

pub use list::{CredentialFilter, ListedCredential};

/// RFC 5802. The password can't be had from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScramVerifier {
    /// The salt.
    pub salt: Vec<u8>,
    /// How often the password is hashed.
    pub iterations: u32,
    /// Checks the client.
    pub stored_key: Vec<u8>,
    /// Convinces the client.
    pub server_key: Vec<u8>,
}

/// A credential, and whose it is for what.
#[derive(Debug, Clone)]
pub struct Credential {
    /// The id.
    pub id: CredentialId,
    /// Its organisation.
    pub org: OrgId,
    /// Its owner.
    pub user: UserId,
    /// The one connection that it opens.
    pub connection: ConnectionId,
    /// When it stops working.
    pub expires_at: DateTime<Utc>,
    /// Whether it was revoked.
    pub revoked: bool,
}

/// A credential to be.
#[derive(Debug, Clone)]
pub struct NewCredential {
    /// Its owner.
    pub user: UserId,
    /// The one connection that it opens.
    pub connection: ConnectionId,
    /// Unique everywhere.
    pub username: String,
    /// Of its password.
    pub verifier: ScramVerifier,
    /// When it stops working.
    pub expires_at: DateTime<Utc>,
}

impl OrgStore {
    /// Keeps a new credential.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the user name is taken or the connection was just deleted.
    pub async fn credential_create(&self, new: &NewCredential) -> Result<CredentialId> {
        let mut tx = self.pool.begin().await?;
        let id = CredentialId::generate();
        sqlx::query!(
            "INSERT INTO credentials (id, org_id, user_id, connection_id, username, scram_salt,
               scram_iterations, scram_stored_key, scram_server_key, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            id.uuid(),
            self.org.uuid(),
            new.user.uuid(),
            new.connection.uuid(),
            new.username,
            new.verifier.salt,
            i32::try_from(new.verifier.iterations).unwrap_or(i32::MAX),
            new.verifier.stored_key,
            new.verifier.server_key,
            new.expires_at
        )
        .execute(&mut *tx)
        .await
        .on_reference("the connection or the user was deleted meanwhile")?;
        let named = sqlx::query!(
            "SELECT u.email, c.name FROM users u, connections c WHERE u.id = $1 AND c.id = $2",
            new.user.uuid(),
            new.connection.uuid()
        )
        .fetch_one(&mut *tx)
        .await?;
        let body = serde_json::json!({
            "credential": id.to_string(),
            "user": new.user.to_string(),
            "user_email": named.email,
            "connection": new.connection.to_string(),
            "connection_name": named.name,
            "username": new.username,
            "expires_at": new.expires_at,
        });
        outbox::append(&mut tx, self.org.uuid(), "credential.minted", &body).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Revokes a credential for good.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none, or `owner` is given and it is someone else's.
    pub async fn credential_revoke(&self, id: CredentialId, owner: Option<UserId>) -> Result<()> {
        let mut tx = self.pool.begin().await?;
        let done = sqlx::query!(
            "UPDATE credentials SET revoked_at = COALESCE(revoked_at, now())
             WHERE org_id = $1 AND id = $2 AND ($3::uuid IS NULL OR user_id = $3)",
            self.org.uuid(),
            id.uuid(),
            owner.map(UserId::uuid)
        )
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() == 0 {
            return Err(Error::NotFound { what: "credential" });
        }
        let body = serde_json::json!({ "credential": id.to_string() });
        outbox::append(&mut tx, self.org.uuid(), "credential.revoked", &body).await?;
        tx.commit().await?;
        Ok(())
    }
}

impl Store {
    /// The verifier of a credential. Expired ones have theirs still, so that a person who
    /// knows the password is told that it expired.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn credential_verifier(&self, username: &str) -> Result<Option<ScramVerifier>> {
        let row = sqlx::query!(
            "SELECT scram_salt, scram_iterations, scram_stored_key, scram_server_key
             FROM credentials WHERE username = $1",
            username
        )
        .fetch_optional(self.pool())
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(ScramVerifier {
            salt: row.scram_salt,
            iterations: u32::try_from(row.scram_iterations)
                .map_err(|_| Error::corrupt("a credential's iterations"))?,
            stored_key: row.scram_stored_key,
            server_key: row.scram_server_key,
        }))
    }

    /// The credential with this user name.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn credential_by_username(&self, username: &str) -> Result<Option<Credential>> {
        let row = sqlx::query!(
            r#"SELECT id, org_id, user_id, connection_id, expires_at,
                 revoked_at IS NOT NULL AS "revoked!"
               FROM credentials WHERE username = $1"#,
            username
        )
        .fetch_optional(self.pool())
        .await?;
        Ok(row.map(|row| Credential {
            id: CredentialId::from_uuid(row.id),
            org: OrgId::from_uuid(row.org_id),
            user: UserId::from_uuid(row.user_id),
            connection: ConnectionId::from_uuid(row.connection_id),
            expires_at: row.expires_at,
            revoked: row.revoked,
        }))
    }
}
