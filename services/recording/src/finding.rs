//! What can be found to be wrong, each with the place that an auditor has to look at.

use hoop_domain::{
    Direction, SessionId,
    manifest::{Flaw, InvalidManifest, KeyId},
};

/// Something is not as it was recorded and signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// The text is no manifest.
    #[error("the manifest can't be read: {0}")]
    InvalidManifest(#[from] InvalidManifest),
    /// The text was changed after it was signed, or signed by another key.
    #[error("the manifest was changed: its signature with key {0} does not match")]
    WrongSignature(KeyId),
    /// Anybody could have made this key.
    #[error("it is signed with key {0}, which is not among those that are trusted")]
    UntrustedKey(KeyId),
    /// What was signed while the session was open is no checkpoint.
    #[error("the checkpoint can't be read: {0}")]
    InvalidCheckpoint(InvalidManifest),
    /// The checkpoint was changed after it was signed, or signed by another key.
    #[error("the checkpoint was changed: its signature with key {0} does not match")]
    CheckpointChanged(KeyId),
    /// Something is stored of an open session, and nothing of it is signed.
    #[error("the session is open and its checkpoint is gone")]
    CheckpointMissing,
    /// What is there, or the manifest, does not begin with what the checkpoint signed.
    #[error("it does not continue what was signed while the session was open")]
    CheckpointContradicted,
    /// The manifest signs less than the checkpoint did.
    #[error("{} was signed up to packet {signed} while the session was open, and ends with packet {found}", direction.as_str())]
    BehindCheckpoint {
        /// The direction.
        direction: Direction,
        /// The last packet that the manifest has.
        found: u64,
        /// The last packet that the checkpoint has.
        signed: u64,
    },
    /// The manifest of one session in the place of another's.
    #[error("the manifest is that of session {0}")]
    ForeignManifest(SessionId),
    /// The recording came with another manifest than the chain has.
    #[error("the recording comes with another manifest than the organisation's chain has")]
    TwoManifests,
    /// The session is in the chain of manifests and its recording can't be had.
    #[error("the recording is gone: {0}")]
    RecordingMissing(String),
    /// A segment that was signed is not there.
    #[error("segment {0} is missing")]
    SegmentMissing(u32),
    /// A segment is there that nobody signed, or one is there twice.
    #[error("segment {0} does not belong there")]
    SegmentUnknown(u32),
    /// The stored bytes are others than those that were signed.
    #[error("segment {0} was changed")]
    SegmentChanged(u32),
    /// A segment holds something that is no packet of this session.
    #[error("segment {segment} holds something that is no packet of this session")]
    ForeignPacket {
        /// The segment.
        segment: u32,
    },
    /// The packet does not follow from the ones before.
    #[error("packet {} {seq} was changed", direction.as_str())]
    PacketChanged {
        /// Which way it travelled.
        direction: Direction,
        /// Its number.
        seq: u64,
    },
    /// Numbers are left out.
    #[error("packets {} {first} to {last} are missing", direction.as_str())]
    PacketsMissing {
        /// Which way they travelled.
        direction: Direction,
        /// The first that is missing.
        first: u64,
        /// The last that is missing.
        last: u64,
    },
    /// A packet comes after a later one.
    #[error("packet {} {seq} is not in its place", direction.as_str())]
    PacketReordered {
        /// Which way it travelled.
        direction: Direction,
        /// Its number.
        seq: u64,
    },
    /// A packet is there again.
    #[error("packet {} {seq} is there twice", direction.as_str())]
    PacketRepeated {
        /// Which way it travelled.
        direction: Direction,
        /// Its number.
        seq: u64,
    },
    /// The end of a direction is missing.
    #[error("{} is cut off: it ends with packet {found} and was signed up to {signed}", direction.as_str())]
    CutOff {
        /// The direction.
        direction: Direction,
        /// The last packet that is there.
        found: u64,
        /// The last packet that there was.
        signed: u64,
    },
    /// All numbers are there and the chain ends elsewhere.
    #[error("{} ends with another chain than the signed one", direction.as_str())]
    WrongEnd {
        /// The direction.
        direction: Direction,
    },
    /// The audit-writer itself saw it, and it was signed with the recording.
    #[error("found while it was recorded: {} at {} {}", .0.kind.as_str(), .0.direction.as_str(), .0.seq)]
    Flawed(Flaw),
    /// Places in the organisation's chain are empty: whole sessions were deleted.
    #[error("the sessions at positions {first} to {last} of the organisation's chain are gone")]
    ManifestsMissing {
        /// The first empty place.
        first: u64,
        /// The last empty place.
        last: u64,
    },
    /// The manifest after it names another one.
    #[error("the manifest at position {0} was replaced: the one after it names another")]
    ManifestReplaced(u64),
    /// The manifest claims another place than the one it is found at.
    #[error("the manifest at position {found} says that it is at {claimed}")]
    ManifestMoved {
        /// Where it is.
        found: u64,
        /// Where it says that it is.
        claimed: u64,
    },
    /// The chain ends before a place that it had reached.
    #[error(
        "the organisation's chain is cut off: it ends at position {found} and had reached {known}"
    )]
    ChainCutOff {
        /// Its end.
        found: u64,
        /// How far it had come.
        known: u64,
    },
}

/// Findings of one recording that are listed; a hostile one could have millions.
const MOST: usize = 1000;

/// What was found in one recording. What is beyond [`MOST`] is not kept, so something that was
/// found is never forgotten as a whole.
#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<Finding>);

impl Findings {
    pub(crate) fn push(&mut self, finding: Finding) {
        if self.0.len() < MOST {
            self.0.push(finding);
        }
    }

    pub(crate) fn into_list(self) -> Vec<Finding> {
        self.0
    }
}

impl Extend<Finding> for Findings {
    fn extend<T: IntoIterator<Item = Finding>>(&mut self, findings: T) {
        let room = MOST.saturating_sub(self.0.len());
        self.0.extend(findings.into_iter().take(room));
    }
}

impl Finding {
    /// A name for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InvalidManifest(_) => "invalid_manifest",
            Self::WrongSignature(_) => "wrong_signature",
            Self::UntrustedKey(_) => "untrusted_key",
            Self::InvalidCheckpoint(_) => "invalid_checkpoint",
            Self::CheckpointChanged(_) => "checkpoint_changed",
            Self::CheckpointMissing => "checkpoint_missing",
            Self::CheckpointContradicted => "checkpoint_contradicted",
            Self::BehindCheckpoint { .. } => "behind_checkpoint",
            Self::ForeignManifest(_) => "foreign_manifest",
            Self::TwoManifests => "two_manifests",
            Self::RecordingMissing(_) => "recording_missing",
            Self::SegmentMissing(_) => "segment_missing",
            Self::SegmentUnknown(_) => "segment_unknown",
            Self::SegmentChanged(_) => "segment_changed",
            Self::ForeignPacket { .. } => "foreign_packet",
            Self::PacketChanged { .. } => "packet_changed",
            Self::PacketsMissing { .. } => "packets_missing",
            Self::PacketReordered { .. } => "packet_reordered",
            Self::PacketRepeated { .. } => "packet_repeated",
            Self::CutOff { .. } => "cut_off",
            Self::WrongEnd { .. } => "wrong_end",
            Self::Flawed(_) => "flawed",
            Self::ManifestsMissing { .. } => "manifests_missing",
            Self::ManifestReplaced(_) => "manifest_replaced",
            Self::ManifestMoved { .. } => "manifest_moved",
            Self::ChainCutOff { .. } => "chain_cut_off",
        }
    }
}
