//! The signed statement of what a finished recording consists of.
//!
//! A manifest is text, so that a person can read it and `openssl pkeyutl -rawin` can check
//! it. One line per fact, in this order, each ended by a line feed, fields separated by one
//! space, numbers decimal, digests in lower-case hexadecimal:
//!
//! ```text
//! hoop recording manifest v1
//! session <uuid>
//! org <uuid>
//! position <number in the organisation's chain, from 1>
//! previous <blake3 of the manifest before; zeros for the first>
//! reason <end reason>
//! begun <microseconds since the epoch>
//! ended <microseconds since the epoch>
//! in <packets> <last seq> <chain head>
//! out <packets> <last seq> <chain head>
//! segment <packets> <raw bytes> <stored bytes> <blake3 of the stored bytes>
//! flaw <in|out> <seq> <kind>
//! ```
//!
//! The last two kinds of line come as often as there are segments and flaws. There is one
//! encoding of every manifest: [`Manifest::parse`] refuses any other.

mod checkpoint;
mod log_head;
mod parse;
mod sign;

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};

use crate::{Both, Chain, Direction, EndReason, OrgId, SessionId, time};

pub use checkpoint::{Checkpoint, SegmentTotals};
pub use log_head::LogHead;
pub use parse::InvalidManifest;
pub use sign::{KeyId, PublicKey, SigningKey, WrongSignature};

/// What a finished recording consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The session.
    pub session: SessionId,
    /// Whose session it was.
    pub org: OrgId,
    /// Where this manifest stands in the organisation's chain of manifests, from 1.
    pub position: u64,
    /// The digest of the manifest before this one; zeros for the first.
    pub previous: [u8; 32],
    /// Why the session ended.
    pub reason: EndReason,
    /// When the first packet was taken in.
    pub begun_at: DateTime<Utc>,
    /// When the last packet was taken in.
    pub ended_at: DateTime<Utc>,
    /// What came from each side.
    pub ways: Both<WaySummary>,
    /// The segments, in order.
    pub segments: Vec<SegmentSummary>,
    /// What is wrong with the recording; nothing, unless a process misbehaved.
    pub flaws: Vec<Flaw>,
}

/// One direction of a finished recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaySummary {
    /// How many packets are recorded.
    pub packets: u64,
    /// The number of the last one; equal to `packets` unless some are missing.
    pub last_seq: u64,
    /// The head of the chain.
    pub chain: Chain,
}

/// One segment of a finished recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentSummary {
    /// How many packets it holds, of both directions.
    pub packets: u64,
    /// Its size.
    pub raw_bytes: u64,
    /// Its size as it is stored.
    pub stored_bytes: u64,
    /// The blake3 digest of what is stored.
    pub digest: [u8; 32],
}

/// Something that is wrong with a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Flaw {
    /// In which direction.
    pub direction: Direction,
    /// At which packet; the one that was expected, where the packet has no number.
    pub seq: u64,
    /// What it is.
    pub kind: FlawKind,
}

/// What can be wrong with a recording. The names are stored and signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FlawKind {
    /// Packets before this one are missing.
    Gap,
    /// The packet's chain does not follow from the packet before.
    BrokenChain,
    /// The packet follows the chain and has the number of another.
    Misnumbered,
    /// Bytes that are not a packet, and so are not recorded.
    Undecodable,
    /// A packet of another session or direction, and so not recorded.
    Misplaced,
    /// A packet that came when the recording was finished, and so is not recorded.
    Late,
}

impl FlawKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::Gap,
        Self::BrokenChain,
        Self::Misnumbered,
        Self::Undecodable,
        Self::Misplaced,
        Self::Late,
    ];

    /// The name that is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gap => "gap",
            Self::BrokenChain => "broken_chain",
            Self::Misnumbered => "misnumbered",
            Self::Undecodable => "undecodable",
            Self::Misplaced => "misplaced",
            Self::Late => "late",
        }
    }
}

/// A name that no kind of flaw has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a flaw that this version knows")]
pub struct InvalidFlaw;

impl FromStr for FlawKind {
    type Err = InvalidFlaw;
    fn from_str(name: &str) -> Result<Self, InvalidFlaw> {
        Self::ALL.into_iter().find(|known| known.as_str() == name).ok_or(InvalidFlaw)
    }
}

/// The first line.
const HEADING: &str = "hoop recording manifest v1";

impl Manifest {
    /// The manifest as it is signed and stored.
    #[must_use]
    pub fn encode(&self) -> String {
        self.to_string()
    }

    /// What the next manifest of the organisation has as `previous`.
    #[must_use]
    pub fn digest(encoded: &str) -> [u8; 32] {
        *blake3::hash(encoded.as_bytes()).as_bytes()
    }
}

impl fmt::Display for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADING}")?;
        writeln!(f, "session {}", self.session)?;
        writeln!(f, "org {}", self.org)?;
        writeln!(f, "position {}", self.position)?;
        writeln!(f, "previous {}", Hex(&self.previous))?;
        writeln!(f, "reason {}", self.reason)?;
        writeln!(f, "begun {}", time::to_micros(self.begun_at))?;
        writeln!(f, "ended {}", time::to_micros(self.ended_at))?;
        for direction in Direction::BOTH {
            writeln!(f, "{} {}", direction.as_str(), self.ways.get(direction))?;
        }
        for segment in &self.segments {
            writeln!(f, "segment {segment}")?;
        }
        for Flaw { direction, seq, kind } in &self.flaws {
            writeln!(f, "flaw {} {seq} {}", direction.as_str(), kind.as_str())?;
        }
        Ok(())
    }
}

/// As a manifest's line has it, after the direction.
impl fmt::Display for WaySummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.packets, self.last_seq, Hex(self.chain.as_bytes()))
    }
}

/// As a manifest's line has it, after the word.
impl fmt::Display for SegmentSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { packets, raw_bytes, stored_bytes, digest } = self;
        write!(f, "{packets} {raw_bytes} {stored_bytes} {}", Hex(digest))
    }
}

/// Bytes in lower-case hexadecimal.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests;
