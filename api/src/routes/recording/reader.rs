//! Packets of a recording, in the order in which they were recorded, from wherever they are:
//! in the database, in the bucket, or still in the stream.
//!
//! Segments are a prefix of the recording, and a packet leaves the stream only after its
//! segment is stored. So when the stream was read and no segment was added meanwhile, what
//! was read follows the last segment without a hole. Otherwise the segment is read first.

mod position;
mod segment;

use std::collections::VecDeque;

use bytes::Bytes;
use hoop_domain::{Direction, SessionId};
use hoop_proto::v1;
use hoop_store::recording::{SegmentInfo, format::Records};
use prost::Message;

use super::failed;
use crate::{App, error::Result};

pub(crate) use position::Position;
pub(crate) use segment::stored;

/// Reads on from a position. Holds one segment, or one look into the stream.
pub(crate) struct Reader {
    app: App,
    session: SessionId,
    /// What is left to be read of the segments that are known.
    segments: VecDeque<SegmentInfo>,
    /// How many segments are known.
    known: u32,
    /// The segment that is being read, or was last.
    reading: u32,
    records: Option<Records>,
    /// Out of the stream, where no segment has it yet.
    live: VecDeque<Bytes>,
    /// The stream's number of the last of them.
    stream_seq: u64,
    stage: Stage,
    position: Position,
    direction: Option<Direction>,
    /// Packets up to this number are passed over; needs a direction to make sense.
    after_seq: u64,
}

/// What is known of the recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The audit-writer has not stored anything of it.
    Unknown,
    /// It goes on.
    Begun,
    /// Nothing is added any more, and all of it was read.
    Finished,
}

impl Reader {
    /// Whose recording it is.
    pub(crate) const fn session(&self) -> SessionId {
        self.session
    }

    /// Reads the recording of `session` from `position` on, only what travelled in
    /// `direction` where it is given.
    ///
    /// # Errors
    /// When the database is not available.
    pub(crate) async fn open(
        app: &App,
        session: SessionId,
        position: Position,
        direction: Option<Direction>,
        after_seq: u64,
    ) -> Result<Self> {
        let mut reader = Self {
            app: app.clone(),
            session,
            segments: VecDeque::new(),
            known: 0,
            reading: 0,
            records: None,
            live: VecDeque::new(),
            stream_seq: 0,
            stage: Stage::Unknown,
            position,
            direction,
            after_seq,
        };
        // In this order: what is finished has all its segments.
        let progress = app.store.recordings_progress(&[session]).await.map_err(failed)?;
        reader.list_segments().await?;
        if progress.first().is_some_and(|progress| progress.finished) {
            reader.stage = Stage::Finished;
        }
        Ok(reader)
    }

    /// After the last packet that was read.
    pub(crate) const fn position(&self) -> Position {
        self.position
    }

    /// What is known of the recording, after [`Self::next`] found nothing more.
    pub(crate) const fn stage(&self) -> Stage {
        self.stage
    }

    /// The next packet; `None` at the end of what the broker has accepted so far.
    ///
    /// # Errors
    /// When a segment is damaged or something is not available.
    pub(crate) async fn next(&mut self) -> Result<Option<v1::Packet>> {
        loop {
            let Some(encoded) = self.next_encoded().await? else { return Ok(None) };
            let packet = v1::Packet::decode(encoded).map_err(|_| self.damaged())?;
            let Some(direction) = packet.travels() else { continue };
            if !self.position.pass(direction, packet.seq) {
                continue;
            }
            let here = self.direction.is_none_or(|wanted| wanted == direction);
            if here && self.after_seq < packet.seq {
                return Ok(Some(packet));
            }
        }
    }

    async fn next_encoded(&mut self) -> Result<Option<Bytes>> {
        loop {
            if let Some(records) = &mut self.records {
                if let Some(encoded) = records.next() {
                    return Ok(Some(encoded));
                }
                if records.remaining() != 0 {
                    return Err(self.damaged());
                }
                self.records = None;
            }
            if let Some(encoded) = self.live.pop_front() {
                return Ok(Some(encoded));
            }
            if let Some(info) = self.segments.pop_front() {
                self.reading = info.number;
                self.records = Some(self.read_segment().await?);
            } else if self.stage == Stage::Finished || !self.look().await? {
                return Ok(None);
            }
        }
    }

    /// Looks for more: into the stream first, then whether segments were added meanwhile.
    async fn look(&mut self) -> Result<bool> {
        let batch = self.app.bus.recorded(self.session, self.stream_seq).await?;
        let progress = self.app.store.recordings_progress(&[self.session]).await.map_err(failed)?;
        if let Some(progress) = progress.first() {
            self.stage = Stage::Begun;
            if self.known < progress.segments {
                self.list_segments().await?;
                return Ok(true);
            }
            if progress.finished {
                // What is still in the stream came too late to belong to it.
                self.stage = Stage::Finished;
                return Ok(false);
            }
        }
        let Some(last) = batch.last() else { return Ok(false) };
        self.stream_seq = last.stream_seq;
        self.live.extend(batch.into_iter().map(|recorded| recorded.encoded));
        Ok(true)
    }

    async fn list_segments(&mut self) -> Result<()> {
        let listed = self.app.store.segments_of(self.session).await.map_err(failed)?;
        let known = listed.last().map_or(0, |last| last.number.saturating_add(1));
        let (before, position) = (self.known, self.position);
        let (direction, after_seq) = (self.direction, self.after_seq);
        self.segments.extend(listed.into_iter().filter(|segment| {
            before <= segment.number
                && position.wants(segment)
                && wanted(segment, direction, after_seq)
        }));
        self.known = self.known.max(known);
        Ok(())
    }
}

/// Whether a segment can have a packet that is asked for.
fn wanted(segment: &SegmentInfo, direction: Option<Direction>, after_seq: u64) -> bool {
    direction.is_none_or(|direction| {
        segment.seqs.get(direction).is_some_and(|(_, last)| after_seq < last)
    })
}
