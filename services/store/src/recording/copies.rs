//! Manifests that are to be copied to where their segments are.

use hoop_domain::{OrgId, SessionId};

use super::{Error, StoredManifest};
use crate::{Store, convert};

/// A manifest that has no copy beside its segments yet.
#[derive(Debug, Clone)]
pub struct ManifestCopy {
    /// The session.
    pub session: SessionId,
    /// Whose it is.
    pub org: OrgId,
    /// The manifest.
    pub manifest: StoredManifest,
}

impl Store {
    /// The oldest manifests that are to be copied, `limit` at most.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn manifests_to_copy(&self, limit: i64) -> Result<Vec<ManifestCopy>, Error> {
        let rows = sqlx::query!(
            "SELECT m.session, m.org, m.encoded, m.signature, k.public_key
             FROM manifests m JOIN manifest_keys k ON k.id = m.key_id
             WHERE m.copy_due ORDER BY m.added_at LIMIT $1",
            limit
        )
        .fetch_all(self.pool())
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(ManifestCopy {
                    session: SessionId::from_uuid(row.session),
                    org: OrgId::from_uuid(row.org),
                    manifest: convert::signed(row.encoded, row.signature, &row.public_key)?,
                })
            })
            .collect()
    }

    /// The manifest's copy is there.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn manifest_copied(&self, session: SessionId) -> Result<(), Error> {
        sqlx::query!("UPDATE manifests SET copy_due = false WHERE session = $1", session.uuid())
            .execute(self.pool())
            .await?;
        Ok(())
    }
}
