//! Reading recordings: for the writer that goes on with one, and for those who look at it.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use hoop_domain::{Both, Chain, Direction, EndReason, OrgId, SessionId, manifest::Flaw};
use uuid::Uuid;

use super::{End, Error, Head, format, to_u64};
use crate::{Store, convert};

/// How far a recording has come.
#[derive(Debug, Clone)]
pub struct Progress {
    /// The session.
    pub session: SessionId,
    /// Whose it is; nil when neither the recording nor a row said so.
    pub org: OrgId,
    /// Whether it is finished: nothing is added any more.
    pub finished: bool,
    /// When the first packet was taken in.
    pub begun_at: DateTime<Utc>,
    /// When the last stored packet was taken in.
    pub ended_at: DateTime<Utc>,
    /// How many segments are stored.
    pub segments: u32,
    /// Where each direction stands.
    pub heads: Both<Head>,
}

/// A segment, without what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentInfo {
    /// Its place in the recording, from 0.
    pub number: u32,
    /// The first and last packet of each direction, where it has any.
    pub seqs: Both<Option<(u64, u64)>>,
    /// How many packets it holds.
    pub packets: u64,
    /// Its size, unpacked.
    pub raw_bytes: u64,
    /// Its size as stored.
    pub stored_bytes: u64,
    /// When its first packet was taken in.
    pub begun_at: DateTime<Utc>,
    /// When its last packet was taken in.
    pub ended_at: DateTime<Utc>,
    /// The blake3 digest of what is stored.
    pub digest: [u8; 32],
}

/// A segment that was found.
#[derive(Debug, Clone)]
pub struct StoredSegment {
    session: SessionId,
    number: u32,
    /// What is stored, or where.
    pub contents: Contents,
    raw_bytes: u64,
    digest: [u8; 32],
}

/// Where a segment's bytes are.
#[derive(Debug, Clone)]
pub enum Contents {
    /// Here.
    Row(Bytes),
    /// In the object with this key.
    Object(String),
}

impl StoredSegment {
    /// The records in `stored`, which is what the segment's place holds: checked against the
    /// digest and unpacked. [`format::Records`] takes them apart.
    ///
    /// # Errors
    /// [`Error::Damaged`] when it is not what was stored.
    pub async fn unpack(&self, stored: Bytes) -> Result<Bytes, Error> {
        let (digest, raw_bytes) = (self.digest, self.raw_bytes);
        let unpacked = tokio::task::spawn_blocking(move || {
            let whole = blake3::hash(&stored).as_bytes() == &digest;
            whole.then(|| format::unpack(&stored, raw_bytes).ok()).flatten()
        })
        .await;
        let damaged = Error::Damaged { session: self.session, number: self.number };
        unpacked.ok().flatten().ok_or(damaged)
    }
}

impl Store {
    /// How far the recordings of `sessions` have come; those that have not begun are left out.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn recordings_progress(
        &self,
        sessions: &[SessionId],
    ) -> Result<Vec<Progress>, Error> {
        let ids: Vec<Uuid> = sessions.iter().map(|session| session.uuid()).collect();
        let rows = sqlx::query!(
            "SELECT session, org, begun_at, ended_at, segments, finished_at,
               in_packets, in_seq, in_chain, in_end, in_end_message,
               out_packets, out_seq, out_chain, out_end, out_end_message
             FROM recordings WHERE session = ANY($1)",
            &ids
        )
        .fetch_all(self.pool())
        .await?;
        rows.into_iter()
            .map(|row| {
                let inward = (row.in_packets, row.in_seq, row.in_chain);
                let outward = (row.out_packets, row.out_seq, row.out_chain);
                Ok(Progress {
                    session: SessionId::from_uuid(row.session),
                    org: OrgId::from_uuid(row.org),
                    finished: row.finished_at.is_some(),
                    begun_at: row.begun_at,
                    ended_at: row.ended_at,
                    segments: u32::try_from(row.segments).unwrap_or_default(),
                    heads: Both {
                        inward: head(inward, row.in_end, row.in_end_message)?,
                        outward: head(outward, row.out_end, row.out_end_message)?,
                    },
                })
            })
            .collect()
    }

    /// Which of `sessions` are closed by their row, and how. One without a row counts as
    /// lost: nobody could ever close it.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn recordings_closed(
        &self,
        sessions: &[SessionId],
    ) -> Result<Vec<(SessionId, End)>, Error> {
        let ids: Vec<Uuid> = sessions.iter().map(|session| session.uuid()).collect();
        let rows = sqlx::query!(
            r#"SELECT given AS "id!", coalesce(s.end_reason, $2) AS "reason!", s.end_message
               FROM unnest($1::uuid[]) AS given LEFT JOIN sessions s ON s.id = given
               WHERE s.id IS NULL OR s.state = 'done'"#,
            &ids,
            EndReason::EdgeLost.as_str()
        )
        .fetch_all(self.pool())
        .await?;
        rows.into_iter()
            .map(|row| {
                let reason = convert::parse(&row.reason, "a session's end reason")?;
                let message = row.end_message.unwrap_or_else(|| EndReason::message(reason).into());
                Ok((SessionId::from_uuid(row.id), End { reason, message }))
            })
            .collect()
    }

    /// The segments of a recording, in order.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn segments_of(&self, session: SessionId) -> Result<Vec<SegmentInfo>, Error> {
        let rows = sqlx::query!(
            r#"SELECT number, in_first, in_last, out_first, out_last, packets, raw_bytes,
                 coalesce(object_bytes, octet_length(stored)) AS "stored_bytes!", begun_at, ended_at, digest
               FROM recording_segments WHERE session = $1 ORDER BY number"#,
            session.uuid()
        )
        .fetch_all(self.pool())
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(SegmentInfo {
                    number: u32::try_from(row.number).unwrap_or_default(),
                    seqs: Both {
                        inward: seqs(row.in_first, row.in_last),
                        outward: seqs(row.out_first, row.out_last),
                    },
                    packets: to_u64(row.packets),
                    raw_bytes: to_u64(row.raw_bytes),
                    stored_bytes: to_u64(row.stored_bytes),
                    begun_at: row.begun_at,
                    ended_at: row.ended_at,
                    digest: convert::bytes(&row.digest, "a segment's digest")?,
                })
            })
            .collect()
    }

    /// One segment as it is stored, or where it is; `None` when the recording has no such.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn segment_fetch(
        &self,
        session: SessionId,
        number: u32,
    ) -> Result<Option<StoredSegment>, Error> {
        let row = sqlx::query!(
            "SELECT stored, object, raw_bytes, digest FROM recording_segments
             WHERE session = $1 AND number = $2::bigint",
            session.uuid(),
            i64::from(number)
        )
        .fetch_optional(self.pool())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let contents = match (row.stored, row.object) {
            (Some(stored), _) => Contents::Row(stored.into()),
            (None, Some(key)) => Contents::Object(key),
            (None, None) => return Err(Error::Damaged { session, number }),
        };
        let digest = convert::bytes(&row.digest, "a segment's digest")?;
        let raw_bytes = to_u64(row.raw_bytes);
        Ok(Some(StoredSegment { session, number, contents, raw_bytes, digest }))
    }

    /// What is wrong with a recording, in the order of its packets.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn recording_flaws(&self, session: SessionId) -> Result<Vec<Flaw>, Error> {
        let rows = sqlx::query!(
            "SELECT direction, seq, kind FROM recording_flaws WHERE session = $1
             ORDER BY direction = 'out', seq, kind",
            session.uuid()
        )
        .fetch_all(self.pool())
        .await?;
        rows.into_iter().map(|row| Ok(flaw(&row.direction, row.seq, &row.kind)?)).collect()
    }
}

fn head(
    (packets, seq, chain): (i64, i64, Vec<u8>),
    end: Option<String>,
    message: Option<String>,
) -> Result<Head, Error> {
    let end = match end {
        None => None,
        Some(reason) => Some(End {
            reason: convert::parse(&reason, "a recording's end")?,
            message: message.unwrap_or_default(),
        }),
    };
    let chain = Chain::from(convert::bytes::<32>(&chain, "a recording's chain")?);
    Ok(Head { packets: to_u64(packets), seq: to_u64(seq), chain, end })
}

fn seqs(first: Option<i64>, last: Option<i64>) -> Option<(u64, u64)> {
    Some((to_u64(first?), to_u64(last?)))
}

pub(super) fn flaw(direction: &str, seq: i64, kind: &str) -> crate::Result<Flaw> {
    let direction = Direction::BOTH
        .into_iter()
        .find(|known| known.as_str() == direction)
        .ok_or(crate::Error::corrupt("a flaw's direction"))?;
    Ok(Flaw { direction, seq: to_u64(seq), kind: convert::parse(kind, "a flaw")? })
}
