//! Signing what an open recording consists of so far, in the transaction that adds to it.

use chrono::{DateTime, Utc};
use hoop_domain::{
    OrgId, SessionId,
    manifest::{Checkpoint, KeyId, SegmentTotals, SigningKey, WaySummary},
};
use sqlx::PgConnection;

use super::{Error, Segment, StoredManifest, Write, finish::segments, to_i64, to_u64};
use crate::{OrgStore, Store, convert};

/// A recording that is not finished, and what is signed of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenRecording {
    /// The session.
    pub session: SessionId,
    /// When its first packet was taken in, as the recording's row has it.
    pub begun_at: Option<DateTime<Utc>>,
    /// The checkpoint; `None` when something is stored that was never signed, or not any more.
    pub checkpoint: Option<StoredManifest>,
}

impl Store {
    /// The last checkpoint of a session, whether it is still open or not.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn checkpoint_of(&self, session: SessionId) -> Result<Option<StoredManifest>, Error> {
        let row = sqlx::query!(
            "SELECT c.encoded, c.signature, k.public_key
             FROM checkpoints c JOIN manifest_keys k ON k.id = c.key_id WHERE c.session = $1",
            session.uuid()
        )
        .fetch_optional(self.pool())
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(convert::signed(row.encoded, row.signature, &row.public_key)?))
    }
}

impl OrgStore {
    /// At most `limit` recordings that something is stored of and that are not finished, in
    /// the order of their sessions, behind `after`. Those whose own row is gone are there,
    /// too, as long as their checkpoint is.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn recordings_open(
        &self,
        after: Option<SessionId>,
        limit: i64,
    ) -> Result<Vec<OpenRecording>, Error> {
        let rows = sqlx::query!(
            r#"SELECT coalesce(c.session, r.session) AS "session!", r.begun_at AS "begun_at?",
                 c.encoded AS "encoded?", c.signature AS "signature?", k.public_key AS "public_key?"
               FROM recordings r FULL JOIN checkpoints c ON c.session = r.session
               LEFT JOIN manifest_keys k ON k.id = c.key_id
               WHERE coalesce(c.org, r.org) = $1 AND r.finished_at IS NULL
                 AND (c.session IS NOT NULL OR 0 < r.segments)
                 AND NOT EXISTS (SELECT 1 FROM manifests m
                   WHERE m.session = coalesce(c.session, r.session))
                 AND ($2::uuid IS NULL OR $2 < coalesce(c.session, r.session))
               ORDER BY 1 LIMIT $3"#,
            self.org.uuid(),
            after.map(SessionId::uuid),
            limit
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                let checkpoint = match (row.encoded, row.signature, row.public_key) {
                    (Some(encoded), Some(signature), Some(key)) => {
                        Some(convert::signed(encoded, signature, &key)?)
                    }
                    _ => None,
                };
                let session = SessionId::from_uuid(row.session);
                Ok(OpenRecording { session, begun_at: row.begun_at, checkpoint })
            })
            .collect()
    }
}

/// Signs what is stored with `segment`, the last one of `write`'s recording so far.
pub(super) async fn sign(
    conn: &mut PgConnection,
    org: OrgId,
    write: &Write,
    segment: &Segment,
    key: &SigningKey,
) -> Result<(), Error> {
    let before = totals(conn, write.session).await?;
    let totals = match before {
        Some(before) if before.count == segment.number => before.with(&segment.summary()),
        // A version that signs no checkpoints stored the last segments, or all of them.
        before => {
            let all = segments(conn, write.session).await?;
            let before = before.unwrap_or_default();
            let signed = usize::try_from(before.count).unwrap_or(usize::MAX);
            if SegmentTotals::of(all.iter().take(signed)) != before {
                // What was signed is not there any more. The old checkpoint proves it, so it
                // is not to be replaced: the manifest will not continue it.
                return Ok(());
            }
            SegmentTotals::of(&all)
        }
    };
    let checkpoint = Checkpoint {
        session: write.session,
        org,
        begun_at: write.begun_at,
        ended_at: write.ended_at,
        ways: write.heads.map(|head| WaySummary {
            packets: head.packets,
            last_seq: head.seq,
            chain: head.chain,
        }),
        segments: totals,
    };
    let encoded = checkpoint.encode();
    let KeyId(key_id) = key.public_key().id();
    sqlx::query!(
        "INSERT INTO checkpoints (session, org, encoded, signature, key_id, segments, raw_bytes,
           stored_bytes, segments_digest)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (session) DO UPDATE SET org = excluded.org, encoded = excluded.encoded,
           signature = excluded.signature, key_id = excluded.key_id, signed_at = now(),
           segments = excluded.segments, raw_bytes = excluded.raw_bytes,
           stored_bytes = excluded.stored_bytes, segments_digest = excluded.segments_digest",
        write.session.uuid(),
        org.uuid(),
        encoded,
        key.sign(&encoded),
        key_id.as_slice(),
        i64::from(totals.count),
        to_i64(totals.raw_bytes),
        to_i64(totals.stored_bytes),
        totals.digest.as_slice()
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn totals(
    conn: &mut PgConnection,
    session: SessionId,
) -> Result<Option<SegmentTotals>, Error> {
    let row = sqlx::query!(
        "SELECT segments, raw_bytes, stored_bytes, segments_digest FROM checkpoints
         WHERE session = $1",
        session.uuid()
    )
    .fetch_optional(conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(SegmentTotals {
        count: u32::try_from(row.segments).unwrap_or(u32::MAX),
        raw_bytes: to_u64(row.raw_bytes),
        stored_bytes: to_u64(row.stored_bytes),
        digest: convert::bytes(&row.segments_digest, "a checkpoint's digest")?,
    }))
}
