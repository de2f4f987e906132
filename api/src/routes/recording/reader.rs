//! Packets of a recording, in the order in which they were recorded.

use std::{fmt, str::FromStr};

use hoop_domain::{Direction, SessionId};
use hoop_proto::v1;
use hoop_store::{
    Store,
    recording::{SegmentInfo, format::Records},
};
use prost::Message;

use super::failed;
use crate::{Error, error::Result};

/// A place between two packets. Opaque to clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Position {
    segment: u32,
    packet: u32,
}

/// Reads on from a position.
pub(crate) struct Reader {
    store: Store,
    session: SessionId,
    segments: std::vec::IntoIter<SegmentInfo>,
    records: Option<Records>,
    position: Position,
    direction: Option<Direction>,
    /// Packets up to this number are passed over; needs a direction to make sense.
    after_seq: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s{}p{}", self.segment, self.packet)
    }
}

impl FromStr for Position {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let parts = text.strip_prefix('s').and_then(|rest| rest.split_once('p'));
        parts
            .and_then(|(segment, packet)| {
                Some(Self { segment: segment.parse().ok()?, packet: packet.parse().ok()? })
            })
            .ok_or_else(|| Error::invalid("cursor", "is not next_cursor of the page before"))
    }
}

impl Reader {
    /// Reads the recording of `session` from `position` on, only what travelled in
    /// `direction` where it is given.
    ///
    /// # Errors
    /// When the database is not available.
    pub(crate) async fn open(
        store: &Store,
        session: SessionId,
        position: Position,
        direction: Option<Direction>,
        after_seq: u64,
    ) -> Result<Self> {
        let mut segments = store.segments_of(session).await.map_err(failed)?;
        segments.retain(|segment| {
            position.segment <= segment.number && wanted(segment, direction, after_seq)
        });
        let segments = segments.into_iter();
        let store = store.clone();
        Ok(Self { store, session, segments, records: None, position, direction, after_seq })
    }

    /// Where the next packet will be read.
    pub(crate) const fn position(&self) -> Position {
        self.position
    }

    /// The next packet; `None` at the end of what is recorded so far.
    ///
    /// # Errors
    /// When a segment is damaged or the database is not available.
    pub(crate) async fn next(&mut self) -> Result<Option<v1::Packet>> {
        loop {
            let Some(records) = &mut self.records else {
                if !self.next_segment().await? {
                    return Ok(None);
                }
                continue;
            };
            let Some(encoded) = records.next() else {
                if records.remaining() != 0 {
                    return Err(self.damaged());
                }
                self.records = None;
                self.position = Position { segment: self.position.segment + 1, packet: 0 };
                continue;
            };
            self.position.packet += 1;
            let packet = v1::Packet::decode(encoded).map_err(|_| self.damaged())?;
            let travels = packet.travels();
            let here = self.direction.is_none_or(|direction| travels == Some(direction));
            if here && self.after_seq < packet.seq {
                return Ok(Some(packet));
            }
        }
    }

    async fn next_segment(&mut self) -> Result<bool> {
        let Some(info) = self.segments.next() else { return Ok(false) };
        if self.position.segment != info.number {
            self.position = Position { segment: info.number, packet: 0 };
        }
        let raw = self.store.segment_read(self.session, info.number).await.map_err(failed)?;
        let mut records = Records::new(raw.ok_or_else(|| self.damaged())?);
        for _ in 0..self.position.packet {
            records.next();
        }
        self.records = Some(records);
        Ok(true)
    }

    fn damaged(&self) -> Error {
        failed(hoop_store::recording::Error::Damaged {
            session: self.session,
            number: self.position.segment,
        })
    }
}

/// Whether a segment can have a packet that is asked for.
fn wanted(segment: &SegmentInfo, direction: Option<Direction>, after_seq: u64) -> bool {
    direction.is_none_or(|direction| {
        segment.seqs.get(direction).is_some_and(|(_, last)| after_seq < last)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_survives_text_and_nothing_else_is_one() {
        let position = Position { segment: 3, packet: 120 };
        assert_eq!(position.to_string().parse::<Position>().unwrap(), position);
        for text in ["", "s", "s1", "p1", "s1p", "sp1", "s-1p1", "s1p1x"] {
            assert!(text.parse::<Position>().is_err(), "{text}");
        }
    }
}
