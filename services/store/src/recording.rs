//! Recordings: the audit-writer's leases, segments, manifests, and reading them back.
//!
//! A commit names the lease it is made under and is refused when somebody else has taken
//! the partition since, so two writers never add to one recording. What a commit holds is
//! stored whole or not at all: segment, progress, flaws, and at the end the manifest and
//! the session's own row.

mod checkpoint;
mod commit;
mod copies;
mod finish;
mod flaws;
mod lease;
mod manifests;
mod read;
mod room;
mod stored;

use chrono::{DateTime, Utc};
use hoop_domain::{
    Both, Chain, Direction, EndReason, OrgId, SessionId,
    manifest::{Flaw, SegmentSummary},
};

pub use checkpoint::OpenRecording;
pub use copies::ManifestCopy;
pub use hoop_recording::{Signed as StoredManifest, format};
pub use lease::{Lease, Round, WriterId};
pub use manifests::{ChainEnd, ChainedManifest};
pub use read::{Contents, Progress, SegmentInfo, StoredSegment};
pub use room::Trouble;

/// Why a recording was not written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another writer has taken the partition over; nothing was stored.
    #[error("partition {partition} belongs to another writer now")]
    Fenced {
        /// The partition's number.
        partition: u8,
    },
    /// What is stored is not what was stored: its digest or its format is wrong.
    #[error("segment {number} of session {session} is damaged")]
    Damaged {
        /// The session.
        session: SessionId,
        /// The segment.
        number: u32,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] crate::Error),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Error {
    /// Whether the database as a whole is not available, so that other work fails too.
    #[must_use]
    pub const fn outage(&self) -> bool {
        matches!(self, Self::Store(crate::Error::Unavailable(_)))
    }
}

/// How a direction ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// Why.
    pub reason: EndReason,
    /// What the user is told.
    pub message: String,
}

impl End {
    /// The end with its standard sentence.
    #[must_use]
    pub fn of(reason: EndReason) -> Self {
        Self { reason, message: reason.message().into() }
    }
}

/// How far one direction of a recording has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// How many packets there are.
    pub packets: u64,
    /// The number of the last one.
    pub seq: u64,
    /// The head of the chain.
    pub chain: Chain,
    /// Its end, when the last packet was that.
    pub end: Option<End>,
}

impl Head {
    /// Before the first packet.
    #[must_use]
    pub fn start(session: SessionId, direction: Direction) -> Self {
        Self { packets: 0, seq: 0, chain: Chain::start(session, direction), end: None }
    }
}

/// A piece of a recording, compressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Its place in the recording, from 0.
    pub number: u32,
    /// The first and last packet of each direction, where it has any.
    pub seqs: Both<Option<(u64, u64)>>,
    /// How many packets it holds.
    pub packets: u64,
    /// Its size before compression.
    pub raw_bytes: u64,
    /// When its first packet was taken in.
    pub begun_at: DateTime<Utc>,
    /// When its last packet was taken in.
    pub ended_at: DateTime<Utc>,
    /// What is stored, see [`format`].
    pub stored: Vec<u8>,
    /// The key of the object that holds it already; the row then does not.
    pub object: Option<String>,
    /// The blake3 digest of it.
    pub digest: [u8; 32],
}

impl Segment {
    /// What a manifest says of it.
    #[must_use]
    pub fn summary(&self) -> SegmentSummary {
        SegmentSummary {
            packets: self.packets,
            raw_bytes: self.raw_bytes,
            stored_bytes: u64::try_from(self.stored.len()).unwrap_or(u64::MAX),
            digest: self.digest,
        }
    }
}

/// One step of one recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// The session.
    pub session: SessionId,
    /// Whose it is; looked up by the session's row when the recording does not say.
    pub org: Option<OrgId>,
    /// When the first packet was taken in.
    pub begun_at: DateTime<Utc>,
    /// When the last packet so far was taken in.
    pub ended_at: DateTime<Utc>,
    /// How far the recording has come with this step.
    pub heads: Both<Head>,
    /// The segment, where the step has one.
    pub segment: Option<Segment>,
    /// What turned out to be wrong.
    pub flaws: Vec<Flaw>,
    /// How the session's command ended, when that is in this step.
    pub exit_code: Option<i32>,
    /// Finishes the recording, and closes the session for this reason.
    pub finish: Option<End>,
}

fn to_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn to_u64(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
