//! Named steps at which a test can hold a process, to kill it, stop it or cut it off exactly there.
//!
//! Debug builds only: in a release build [`at`] is empty, and nothing reads the variable.
//! `E2E_STEPS` names a folder of this process. While it has a file `arm` with a step's name
//! and a number, the process waits when it comes to that step for that many times: it writes
//! the file `reached`, and goes on when `arm` is gone.

/// A step between two things that a crash may come between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// An edge has numbered and chained a packet, and the broker has not got it.
    BeforePublish,
    /// An edge has the broker's receipt and has not looked at it.
    AfterAck,
    /// An edge may let a packet out, and has not.
    BeforeRelay,
    /// An audit-writer has some packets of a segment in its spool.
    MidSegment,
    /// An audit-writer has packed segments and stored none.
    BeforeCommit,
    /// An audit-writer has stored segments and does not know it yet.
    AfterCommit,
    /// An audit-writer knows what is stored and has acknowledged nothing.
    BeforeStreamAck,
    /// An audit-writer is about to store a manifest, with the recording's last segment.
    AtManifest,
}

impl Step {
    /// The steps of an edge.
    pub const EDGE: [Self; 3] = [Self::BeforePublish, Self::AfterAck, Self::BeforeRelay];
    /// The steps of an audit-writer.
    pub const AUDIT_WRITER: [Self; 5] = [
        Self::MidSegment,
        Self::BeforeCommit,
        Self::AfterCommit,
        Self::BeforeStreamAck,
        Self::AtManifest,
    ];

    /// How it is called in files and tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BeforePublish => "before_publish",
            Self::AfterAck => "after_ack",
            Self::BeforeRelay => "before_relay",
            Self::MidSegment => "mid_segment",
            Self::BeforeCommit => "before_commit",
            Self::AfterCommit => "after_commit",
            Self::BeforeStreamAck => "before_stream_ack",
            Self::AtManifest => "at_manifest",
        }
    }
}

/// Says that the process is at `step`, and waits there if a test wants that.
#[cfg(debug_assertions)]
pub fn at(step: Step) {
    hold::at(step);
}

/// Nothing: there are no tests of this build.
#[cfg(not(debug_assertions))]
pub const fn at(_: Step) {}

#[cfg(debug_assertions)]
mod hold;
