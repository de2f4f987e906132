//! Signing where a chain of the audit log ends, after it was computed anew: what does not
//! continue what was signed before is not signed.

use chrono::{DateTime, Utc};
use hoop_domain::{
    OrgId,
    audit_line::START,
    manifest::{KeyId, LogHead, SigningKey},
};

use super::LineFilter;
use crate::{OrgStore, Result, Store, convert, recording::StoredManifest};

/// Lines that one signature may cover. What is more is signed with the next.
const LINES: i64 = 1000;

/// An end that was signed, by its place.
#[derive(Debug, Clone)]
pub struct SignedHead {
    /// How many lines the log had.
    pub position: u64,
    /// The text, the signature and the key.
    pub signed: StoredManifest,
}

/// What came of signing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signing {
    /// There was nothing new.
    Unchanged,
    /// As many lines are covered now.
    Signed(u64),
    /// The line at this place is not what was written: nothing is signed behind it.
    Broken(u64),
}

impl Store {
    /// The organisations that have an audit log.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn audit_logs(&self) -> Result<Vec<OrgStore>> {
        let rows = sqlx::query_scalar!("SELECT org_id FROM audit_heads ORDER BY org_id")
            .fetch_all(self.pool())
            .await?;
        Ok(rows.into_iter().map(|org| self.org(OrgId::from_uuid(org))).collect())
    }
}

impl OrgStore {
    /// Signs the end of the log, or as much as one signature covers.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn audit_head_sign(&self, key: &SigningKey, now: DateTime<Utc>) -> Result<Signing> {
        let (mut position, mut digest) = match self.last_signed().await? {
            None => (0, START),
            Some(last) => match LogHead::parse(&last.signed.encoded) {
                Ok(head) if head.line == last.position => (head.line, head.digest),
                _ => return Ok(Signing::Broken(last.position)),
            },
        };
        let lines = self.audit_chain(&LineFilter::default(), position, LINES).await?;
        if lines.is_empty() {
            return Ok(Signing::Unchanged);
        }
        for line in lines {
            position += 1;
            digest = line.line.digest(&digest);
            if line.line.position != position || line.digest != Some(digest) {
                return Ok(Signing::Broken(position));
            }
        }
        self.keep(position, digest, key, now).await?;
        Ok(Signing::Signed(position))
    }

    /// At most `limit` signed ends behind the position `after`, in order.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn audit_head_list(&self, after: u64, limit: i64) -> Result<Vec<SignedHead>> {
        let rows = sqlx::query!(
            "SELECT s.position, s.encoded, s.signature, k.public_key
             FROM audit_head_signatures s JOIN manifest_keys k ON k.id = s.key_id
             WHERE s.org_id = $1 AND $2 < s.position ORDER BY s.position LIMIT $3",
            self.org.uuid(),
            i64::try_from(after).unwrap_or(i64::MAX),
            limit
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                let signed = convert::signed(row.encoded, row.signature, &row.public_key)?;
                Ok(SignedHead { position: convert::count(row.position), signed })
            })
            .collect()
    }

    async fn last_signed(&self) -> Result<Option<SignedHead>> {
        let row = sqlx::query!(
            "SELECT s.position, s.encoded, s.signature, k.public_key
             FROM audit_head_signatures s JOIN manifest_keys k ON k.id = s.key_id
             WHERE s.org_id = $1 ORDER BY s.position DESC LIMIT 1",
            self.org.uuid()
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let signed = convert::signed(row.encoded, row.signature, &row.public_key)?;
        Ok(Some(SignedHead { position: convert::count(row.position), signed }))
    }

    async fn keep(
        &self,
        position: u64,
        digest: [u8; 32],
        key: &SigningKey,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let manifests = self.manifests_end().await?;
        let head = LogHead {
            org: self.org,
            line: position,
            digest,
            manifest: manifests.position,
            manifest_digest: manifests.digest,
            signed_at: now,
        };
        let (encoded, KeyId(key_id)) = (head.encode(), key.public_key().id());
        // Another writer may have been faster: it has signed the same.
        sqlx::query!(
            "INSERT INTO audit_head_signatures (org_id, position, encoded, signature, key_id)
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
            self.org.uuid(),
            i64::try_from(position).unwrap_or(i64::MAX),
            encoded,
            key.sign(&encoded),
            key_id.as_slice()
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
