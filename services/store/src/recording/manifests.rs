//! An organisation's manifests, in the order of its chain.

use chrono::{DateTime, Utc};
use hoop_domain::SessionId;

use super::{Error, StoredManifest, to_i64, to_u64};
use crate::{OrgStore, convert};

/// A manifest and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainedManifest {
    /// Where it is in the chain, as the database has it.
    pub position: u64,
    /// Whose it is, as the database has it.
    pub session: SessionId,
    /// When it was added.
    pub added_at: DateTime<Utc>,
    /// The manifest.
    pub manifest: StoredManifest,
}

/// Where a chain ends, as the database has noted it apart from the manifests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainEnd {
    /// The position of the last manifest; 0 when there is none.
    pub position: u64,
    /// Its digest; zeros when there is none.
    pub digest: [u8; 32],
}

impl OrgStore {
    /// At most `limit` manifests behind `after`, that were added since then where it is said.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn manifests_list(
        &self,
        after: u64,
        since: Option<DateTime<Utc>>,
        limit: i64,
    ) -> Result<Vec<ChainedManifest>, Error> {
        let rows = sqlx::query!(
            "SELECT m.position, m.session, m.added_at, m.encoded, m.signature, k.public_key
             FROM manifests m JOIN manifest_keys k ON k.id = m.key_id
             WHERE m.org = $1 AND $2 < m.position AND ($3::timestamptz IS NULL OR $3 <= m.added_at)
             ORDER BY m.position LIMIT $4",
            self.org.uuid(),
            to_i64(after),
            since,
            limit
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(ChainedManifest {
                    position: to_u64(row.position),
                    session: SessionId::from_uuid(row.session),
                    added_at: row.added_at,
                    manifest: convert::signed(row.encoded, row.signature, &row.public_key)?,
                })
            })
            .collect()
    }

    /// Where the organisation's chain ends.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn manifests_end(&self) -> crate::Result<ChainEnd> {
        let row = sqlx::query!(
            "SELECT position, digest FROM manifest_heads WHERE org = $1",
            self.org.uuid()
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(ChainEnd { position: 0, digest: [0; 32] }) };
        let digest = convert::bytes(&row.digest, "a manifest's digest")?;
        Ok(ChainEnd { position: to_u64(row.position), digest })
    }
}
