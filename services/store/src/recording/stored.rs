//! Steps that are stored although nobody was told: the answer to a commit can be lost.

use std::collections::HashSet;

use hoop_domain::Direction;

use super::{Error, Head, Write, to_i64};
use crate::Store;

impl Store {
    /// Which of `writes` are stored already, in their order. Only who holds the lease of their
    /// partition may take them for its own.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn recordings_stored(&self, writes: &[Write]) -> Result<Vec<bool>, Error> {
        let mut stored = Vec::with_capacity(writes.len());
        for write in writes {
            stored.push(self.recording_stored(write).await?);
        }
        // The steps of a session are stored in their order: what precedes a stored one is, too.
        // Storing it once more would take the recording back to where it was then.
        let mut later = HashSet::new();
        for (write, stored) in writes.iter().zip(&mut stored).rev() {
            *stored |= later.contains(&write.session);
            if *stored {
                later.insert(write.session);
            }
        }
        Ok(stored)
    }

    async fn recording_stored(&self, write: &Write) -> Result<bool, Error> {
        let number = write.segment.as_ref().map(|segment| i64::from(segment.number));
        let row = sqlx::query!(
            r#"SELECT r.finished_at IS NOT NULL AS "finished!",
                 r.in_packets, r.in_chain, r.out_packets, r.out_chain, s.digest AS "digest?"
               FROM recordings r LEFT JOIN recording_segments s
                 ON s.session = r.session AND s.number = $2::bigint::integer
               WHERE r.session = $1"#,
            write.session.uuid(),
            number
        )
        .fetch_optional(self.pool())
        .await?;
        let Some(row) = row else { return Ok(false) };
        let segment = write.segment.as_ref();
        let has_segment =
            segment.is_none_or(|segment| row.digest.as_deref() == Some(segment.digest.as_slice()));
        let came_so_far = [
            (Direction::In, row.in_packets, row.in_chain),
            (Direction::Out, row.out_packets, row.out_chain),
        ]
        .into_iter()
        .all(|(direction, packets, chain)| {
            let Head { packets: ours, chain: end, .. } = write.heads.get(direction);
            to_i64(*ours) == packets && end.as_bytes().as_slice() == chain
        });
        Ok(match (segment, &write.finish) {
            (_, Some(_)) => row.finished && has_segment && came_so_far,
            (Some(_), None) => has_segment,
            // Nothing but progress: the latest may be stored twice, unless that is not possible
            // any more, and then it went before the end.
            (None, None) => row.finished,
        })
    }
}
