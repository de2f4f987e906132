//! What a writer has done so far, for its log.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use hoop_store::recording::Write;

/// Counters of one process.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    packets: AtomicU64,
    duplicates: AtomicU64,
    segments: AtomicU64,
    raw_bytes: AtomicU64,
    stored_bytes: AtomicU64,
    finished: AtomicU64,
}

impl Meter {
    pub(crate) fn recorded(&self) {
        self.packets.fetch_add(1, Relaxed);
    }

    pub(crate) fn skipped(&self) {
        self.duplicates.fetch_add(1, Relaxed);
    }

    pub(crate) fn committed(&self, write: &Write) {
        if let Some(segment) = &write.segment {
            self.segments.fetch_add(1, Relaxed);
            self.raw_bytes.fetch_add(segment.raw_bytes, Relaxed);
            let stored = u64::try_from(segment.stored.len()).unwrap_or(u64::MAX);
            self.stored_bytes.fetch_add(stored, Relaxed);
        }
        self.finished.fetch_add(u64::from(write.finish.is_some()), Relaxed);
    }

    /// Writes the counters to the log, unless nothing happened since `before`. Returns what
    /// to compare with the next time.
    pub(crate) fn log(&self, before: u64) -> u64 {
        let packets = self.packets.load(Relaxed);
        if packets != before {
            tracing::info!(
                packets,
                duplicates = self.duplicates.load(Relaxed),
                segments = self.segments.load(Relaxed),
                raw_bytes = self.raw_bytes.load(Relaxed),
                stored_bytes = self.stored_bytes.load(Relaxed),
                finished = self.finished.load(Relaxed),
                "recorded since the start"
            );
        }
        packets
    }
}
