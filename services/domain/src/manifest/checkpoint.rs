//! The signed statement of what a recording consists of so far, while its session is open.
//!
//! Like a [`Manifest`](super::Manifest) it is text with one fact per line:
//!
//! ```text
//! hoop recording checkpoint v1
//! session <uuid>
//! org <uuid>
//! begun <microseconds since the epoch>
//! ended <microseconds since the epoch>
//! in <packets> <last seq> <chain head>
//! out <packets> <last seq> <chain head>
//! segments <count> <raw bytes> <stored bytes> <digest of their list>
//! ```
//!
//! A session may have thousands of segments and as many checkpoints, so one names their
//! [list](SegmentTotals) by a digest that is carried on from one to the next.

use std::fmt;

use chrono::{DateTime, Utc};

use super::{Hex, SegmentSummary, WaySummary};
use crate::{Both, Direction, OrgId, SessionId, time};

/// The first line.
pub(super) const HEADING: &str = "hoop recording checkpoint v1";

/// What a recording consists of so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The session.
    pub session: SessionId,
    /// Whose session it is.
    pub org: OrgId,
    /// When the first packet was taken in.
    pub begun_at: DateTime<Utc>,
    /// When the last packet so far was taken in.
    pub ended_at: DateTime<Utc>,
    /// What came from each side.
    pub ways: Both<WaySummary>,
    /// The segments, together.
    pub segments: SegmentTotals,
}

/// Segments, one after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SegmentTotals {
    /// How many there are.
    pub count: u32,
    /// Their size.
    pub raw_bytes: u64,
    /// Their size as they are stored.
    pub stored_bytes: u64,
    /// Zeros for none; then the blake3 digest of the digest before and the manifest's line
    /// for the segment.
    pub digest: [u8; 32],
}

impl SegmentTotals {
    /// These segments, from the first on.
    #[must_use]
    pub fn of<'a>(segments: impl IntoIterator<Item = &'a SegmentSummary>) -> Self {
        segments.into_iter().fold(Self::default(), Self::with)
    }

    /// With one more segment.
    #[must_use]
    pub fn with(self, segment: &SegmentSummary) -> Self {
        let mut list = blake3::Hasher::new();
        list.update(&self.digest).update(segment.to_string().as_bytes());
        Self {
            count: self.count.saturating_add(1),
            raw_bytes: self.raw_bytes.saturating_add(segment.raw_bytes),
            stored_bytes: self.stored_bytes.saturating_add(segment.stored_bytes),
            digest: *list.finalize().as_bytes(),
        }
    }
}

impl Checkpoint {
    /// The checkpoint as it is signed and stored.
    #[must_use]
    pub fn encode(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADING}")?;
        writeln!(f, "session {}", self.session)?;
        writeln!(f, "org {}", self.org)?;
        writeln!(f, "begun {}", time::to_micros(self.begun_at))?;
        writeln!(f, "ended {}", time::to_micros(self.ended_at))?;
        for direction in Direction::BOTH {
            writeln!(f, "{} {}", direction.as_str(), self.ways.get(direction))?;
        }
        let SegmentTotals { count, raw_bytes, stored_bytes, digest } = self.segments;
        writeln!(f, "segments {count} {raw_bytes} {stored_bytes} {}", Hex(&digest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Chain;

    fn checkpoint() -> Checkpoint {
        let session = SessionId::generate();
        let way = |direction| WaySummary {
            packets: 3,
            last_seq: 3,
            chain: Chain::start(session, direction).link(b"x"),
        };
        let segment =
            SegmentSummary { packets: 6, raw_bytes: 100, stored_bytes: 50, digest: [1; 32] };
        Checkpoint {
            session,
            org: OrgId::generate(),
            begun_at: time::from_micros(1_700_000_000_000_001),
            ended_at: time::from_micros(1_700_000_001_000_001),
            ways: Both::from_fn(way),
            segments: SegmentTotals::of(&[segment, segment]),
        }
    }

    #[test]
    fn a_checkpoint_survives_being_written_down_and_nothing_else_says_the_same() {
        let checkpoint = checkpoint();
        let text = checkpoint.encode();
        assert_eq!(Checkpoint::parse(&text), Ok(checkpoint));
        let others = [
            text.replace("segments 2", "segments 02"),
            text.replace('\n', "\r\n"),
            format!("{text}\n"),
            format!("{text}segment 1 1 1 {}\n", Hex(&[0; 32])),
            text.replace("checkpoint", "manifest"),
        ];
        for other in others {
            assert!(Checkpoint::parse(&other).is_err(), "{other}");
        }
    }

    #[test]
    fn the_digest_of_segments_depends_on_each_and_on_their_order() {
        let segment = |digest| SegmentSummary {
            packets: 1,
            raw_bytes: 2,
            stored_bytes: 3,
            digest: [digest; 32],
        };
        let digest = |list: &[u8]| {
            let list: Vec<_> = list.iter().copied().map(segment).collect();
            SegmentTotals::of(&list).digest
        };
        assert_eq!(SegmentTotals::of(&[segment(1), segment(2)]).stored_bytes, 6);
        assert_ne!(digest(&[1, 2]), digest(&[2, 1]));
        assert_ne!(digest(&[1, 2]), digest(&[2]));
        assert_eq!(digest(&[]), [0; 32]);
    }
}
