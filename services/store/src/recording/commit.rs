//! Storing steps of several recordings in one transaction, under a lease.

use hoop_domain::{Direction, OrgId, SessionId, manifest::SigningKey};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Error, Head, Lease, Segment, Write, checkpoint, finish, flaws, to_i64};
use crate::{
    Store,
    session::{session_close_on_conn, session_exit_on_conn, session_open_on_conn},
};

impl Store {
    /// Stores all of `writes`, or none. The first step of a recording opens its session, the
    /// last one closes it; what stays open is signed, too, as far as it is stored. Steps of
    /// one session stand in their order.
    ///
    /// # Errors
    /// [`Error::Fenced`] when the lease is another writer's by now.
    pub async fn recordings_commit(
        &self,
        lease: &Lease,
        writes: &[Write],
        key: &SigningKey,
    ) -> Result<(), Error> {
        let mut tx = self.pool().begin().await?;
        check(&mut tx, lease).await?;
        let mut ends = Vec::new();
        for write in writes {
            let org = advance(&mut tx, write).await?;
            if let Some(segment) = &write.segment {
                add_segment(&mut tx, write.session, segment).await?;
                if write.finish.is_none() {
                    checkpoint::sign(&mut tx, org, write, segment, key).await?;
                }
            }
            add_flaws(&mut tx, write, Some(org)).await?;
            if let Some(code) = write.exit_code {
                session_exit_on_conn(&mut tx, write.session, code).await?;
            }
            if let Some(end) = &write.finish {
                ends.push((org, write, end));
            }
        }
        // The chains' ends are locked in one order everywhere, so that two writers which
        // finish sessions of the same organisations can't wait for each other.
        ends.sort_by_key(|(org, ..)| *org);
        for (org, write, end) in ends {
            finish::add_manifest(&mut tx, org, write, end, key).await?;
            let at = write.ended_at;
            session_close_on_conn(&mut tx, write.session, end.reason, &end.message, at).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Notes what turned up for recordings that are finished: they can't be changed any more.
    ///
    /// # Errors
    /// [`Error::Fenced`] when the lease is another writer's by now.
    pub async fn recording_flaws_add(&self, lease: &Lease, write: &Write) -> Result<(), Error> {
        let mut tx = self.pool().begin().await?;
        check(&mut tx, lease).await?;
        add_flaws(&mut tx, write, None).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Holds the lease's row until the end of the transaction, so that nobody takes the
/// partition over between this check and the commit.
///
/// What is committed is taken out of the stream, so this transaction is durable even where
/// the server or the role is set up to be quick rather than sure.
async fn check(conn: &mut PgConnection, lease: &Lease) -> Result<(), Error> {
    let partition = lease.partition.number();
    let row = sqlx::query!(
        "SELECT epoch, (SELECT set_config('synchronous_commit', 'on', true)
           WHERE current_setting('synchronous_commit') IN ('off', 'local')) AS durable
         FROM partition_leases WHERE partition = $1 FOR SHARE",
        i16::from(partition)
    )
    .fetch_optional(conn)
    .await?;
    let held = row.is_some_and(|row| row.epoch == lease.epoch);
    if held { Ok(()) } else { Err(Error::Fenced { partition }) }
}

/// Writes down how far the recording has come; opens the session when this is its beginning.
async fn advance(conn: &mut PgConnection, write: &Write) -> Result<OrgId, Error> {
    let Head { packets: in_packets, seq: in_seq, chain: in_chain, end: in_end } =
        write.heads.get(Direction::In);
    let Head { packets: out_packets, seq: out_seq, chain: out_chain, end: out_end } =
        write.heads.get(Direction::Out);
    let segments = write.segment.as_ref().map_or(0, |segment| i64::from(segment.number) + 1);
    let row = sqlx::query!(
        r#"INSERT INTO recordings AS r (session, org, begun_at, ended_at, segments,
             in_packets, in_seq, in_chain, in_end, in_end_message,
             out_packets, out_seq, out_chain, out_end, out_end_message)
           VALUES ($1, coalesce($2, (SELECT org_id FROM sessions WHERE id = $1), $3), $4, $5,
             $6::bigint::integer, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
           ON CONFLICT (session) DO UPDATE
             SET ended_at = excluded.ended_at,
               segments = greatest(r.segments, excluded.segments),
               in_packets = excluded.in_packets, in_seq = excluded.in_seq,
               in_chain = excluded.in_chain, in_end = excluded.in_end,
               in_end_message = excluded.in_end_message,
               out_packets = excluded.out_packets, out_seq = excluded.out_seq,
               out_chain = excluded.out_chain, out_end = excluded.out_end,
               out_end_message = excluded.out_end_message
             WHERE r.finished_at IS NULL
           RETURNING org, (xmax = 0) AS "begun!""#,
        write.session.uuid(),
        write.org.map(OrgId::uuid),
        Uuid::nil(),
        write.begun_at,
        write.ended_at,
        segments,
        to_i64(*in_packets),
        to_i64(*in_seq),
        in_chain.as_bytes(),
        in_end.as_ref().map(|end| end.reason.as_str()),
        in_end.as_ref().map(|end| end.message.as_str()),
        to_i64(*out_packets),
        to_i64(*out_seq),
        out_chain.as_bytes(),
        out_end.as_ref().map(|end| end.reason.as_str()),
        out_end.as_ref().map(|end| end.message.as_str()),
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(crate::Error::Conflict { what: "the recording is finished" })?;
    if row.begun {
        session_open_on_conn(conn, write.session, write.begun_at).await?;
    }
    Ok(OrgId::from_uuid(row.org))
}

async fn add_segment(
    conn: &mut PgConnection,
    session: SessionId,
    segment: &Segment,
) -> Result<(), Error> {
    let first = segment.seqs.map(|seqs| seqs.map(|(first, _)| to_i64(first)));
    let last = segment.seqs.map(|seqs| seqs.map(|(_, last)| to_i64(last)));
    let (row, object_bytes) = match &segment.object {
        None => (Some(segment.stored.as_slice()), None),
        Some(_) => (None, Some(i64::try_from(segment.stored.len()).unwrap_or(i64::MAX))),
    };
    sqlx::query!(
        "INSERT INTO recording_segments (session, number, in_first, in_last, out_first, out_last,
           packets, raw_bytes, begun_at, ended_at, stored, digest, object, object_bytes)
         VALUES ($1, $2::bigint::integer, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        session.uuid(),
        i64::from(segment.number),
        first.inward,
        last.inward,
        first.outward,
        last.outward,
        to_i64(segment.packets),
        to_i64(segment.raw_bytes),
        segment.begun_at,
        segment.ended_at,
        row,
        segment.digest.as_slice(),
        segment.object,
        object_bytes,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Written down once, however often they are found again.
async fn add_flaws(
    conn: &mut PgConnection,
    write: &Write,
    org: Option<OrgId>,
) -> Result<(), Error> {
    let mut new = Vec::new();
    for flaw in &write.flaws {
        let done = sqlx::query!(
            "INSERT INTO recording_flaws (session, direction, seq, kind) VALUES ($1, $2, $3, $4)
             ON CONFLICT DO NOTHING",
            write.session.uuid(),
            flaw.direction.as_str(),
            to_i64(flaw.seq),
            flaw.kind.as_str(),
        )
        .execute(&mut *conn)
        .await?;
        if done.rows_affected() == 1 {
            new.push(flaw);
        }
    }
    flaws::tell(conn, write.session, org, &new).await
}
