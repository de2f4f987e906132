//! The manifest of a recording, as part of the transaction that stores its last segment.

use chrono::Utc;
use hoop_domain::{
    OrgId, SessionId,
    manifest::{Flaw, KeyId, Manifest, PublicKey, SegmentSummary, SigningKey, WaySummary},
};
use sqlx::PgConnection;

use super::{End, Error, StoredManifest, Write, to_i64, to_u64};
use crate::{Store, convert};

impl Store {
    /// Makes the public half of a signing key known. A key that signs must be known.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn manifest_key_add(&self, key: PublicKey) -> Result<(), Error> {
        let KeyId(id) = key.id();
        sqlx::query!(
            "INSERT INTO manifest_keys (id, public_key) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            id.as_slice(),
            key.0.as_slice()
        )
        .execute(self.pool())
        .await?;
        Ok(())
    }

    /// The manifest of a session, when its recording is finished.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn manifest_of(&self, session: SessionId) -> Result<Option<StoredManifest>, Error> {
        let row = sqlx::query!(
            "SELECT m.encoded, m.signature, k.public_key
             FROM manifests m JOIN manifest_keys k ON k.id = m.key_id WHERE m.session = $1",
            session.uuid()
        )
        .fetch_optional(self.pool())
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(convert::signed(row.encoded, row.signature, &row.public_key)?))
    }
}

/// Signs what is stored of `write`'s session and appends it to the organisation's chain.
pub(super) async fn add_manifest(
    conn: &mut PgConnection,
    org: OrgId,
    write: &Write,
    end: &End,
    key: &SigningKey,
) -> Result<(), Error> {
    let (position, previous) = chain_end(conn, org).await?;
    let manifest = Manifest {
        session: write.session,
        org,
        position: position + 1,
        previous,
        reason: end.reason,
        begun_at: write.begun_at,
        ended_at: write.ended_at,
        ways: write.heads.map(|head| WaySummary {
            packets: head.packets,
            last_seq: head.seq,
            chain: head.chain,
        }),
        segments: segments(conn, write.session).await?,
        flaws: flaws(conn, write.session).await?,
    };
    let KeyId(key_id) = key.public_key().id();
    append(conn, &manifest, key, &key_id).await
}

/// The end of the organisation's chain, held until the end of the transaction.
async fn chain_end(conn: &mut PgConnection, org: OrgId) -> Result<(u64, [u8; 32]), Error> {
    sqlx::query!(
        "INSERT INTO manifest_heads (org, position, digest) VALUES ($1, 0, $2)
         ON CONFLICT DO NOTHING",
        org.uuid(),
        [0; 32].as_slice()
    )
    .execute(&mut *conn)
    .await?;
    let row = sqlx::query!(
        "SELECT position, digest FROM manifest_heads WHERE org = $1 FOR UPDATE",
        org.uuid()
    )
    .fetch_one(conn)
    .await?;
    Ok((to_u64(row.position), convert::bytes(&row.digest, "a manifest's digest")?))
}

async fn append(
    conn: &mut PgConnection,
    manifest: &Manifest,
    key: &SigningKey,
    key_id: &[u8],
) -> Result<(), Error> {
    let encoded = manifest.encode();
    sqlx::query!(
        "INSERT INTO manifests (session, org, position, encoded, signature, key_id, copy_due)
         VALUES ($1, $2, $3, $4, $5, $6, EXISTS (SELECT 1 FROM recording_segments
           WHERE session = $1 AND object IS NOT NULL))",
        manifest.session.uuid(),
        manifest.org.uuid(),
        to_i64(manifest.position),
        encoded,
        key.sign(&encoded),
        key_id
    )
    .execute(&mut *conn)
    .await?;
    let digest = Manifest::digest(&encoded);
    sqlx::query!(
        "UPDATE manifest_heads SET position = $2, digest = $3 WHERE org = $1",
        manifest.org.uuid(),
        to_i64(manifest.position),
        digest.as_slice()
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE recordings SET finished_at = $2 WHERE session = $1",
        manifest.session.uuid(),
        Utc::now()
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn segments(
    conn: &mut PgConnection,
    session: SessionId,
) -> Result<Vec<SegmentSummary>, Error> {
    let rows = sqlx::query!(
        r#"SELECT packets, raw_bytes, coalesce(object_bytes, octet_length(stored)) AS "stored_bytes!", digest
           FROM recording_segments WHERE session = $1 ORDER BY number"#,
        session.uuid()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            Ok(SegmentSummary {
                packets: to_u64(row.packets),
                raw_bytes: to_u64(row.raw_bytes),
                stored_bytes: to_u64(row.stored_bytes),
                digest: convert::bytes(&row.digest, "a segment's digest")?,
            })
        })
        .collect::<crate::Result<_>>()?)
}

/// In the order of the packets, so that the manifest's text does not depend on the database.
async fn flaws(conn: &mut PgConnection, session: SessionId) -> Result<Vec<Flaw>, Error> {
    let rows = sqlx::query!(
        r#"SELECT direction, seq, kind FROM recording_flaws WHERE session = $1
           ORDER BY direction = 'out', seq, kind COLLATE "C""#,
        session.uuid()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| super::read::flaw(&row.direction, row.seq, &row.kind))
        .collect::<crate::Result<_>>()?)
}
