//! What a writer has done so far, for its log.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use hoop_domain::{Partition, manifest::FlawKind};
use hoop_runtime::metrics::{Counter, Gauge, Histogram, bounded, counter, gauge, histogram};
use hoop_store::recording::Write;

use crate::partition::{ROOM_BYTES, ROOM_PACKETS};

/// Counters of one process, for its log; with those that Prometheus reads.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    shown: Shown,
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
        self.shown.packets.inc();
    }

    pub(crate) fn skipped(&self) {
        self.duplicates.fetch_add(1, Relaxed);
        self.shown.duplicates.inc();
    }

    pub(crate) fn committed(&self, write: &Write) {
        if let Some(segment) = &write.segment {
            self.segments.fetch_add(1, Relaxed);
            self.raw_bytes.fetch_add(segment.raw_bytes, Relaxed);
            let stored = u64::try_from(segment.stored.len()).unwrap_or(u64::MAX);
            self.stored_bytes.fetch_add(stored, Relaxed);
            self.shown.segments.inc();
            self.shown.raw_bytes.inc_by(segment.raw_bytes);
            self.shown.stored_bytes.inc_by(stored);
        }
        self.finished.fetch_add(u64::from(write.finish.is_some()), Relaxed);
        self.shown.finished.inc_by(u64::from(write.finish.is_some()));
        self.flawed(write);
    }

    /// What is wrong with a recording is stored now.
    pub(crate) fn flawed(&self, write: &Write) {
        for flaw in &write.flaws {
            counter("hoop_recording_flaws_total", &[("kind", flaw.kind.as_str())]).inc();
        }
    }

    /// A transaction took so long, and worked or not.
    pub(crate) fn tried(&self, took: Duration, worked: bool) {
        self.shown.commit.observe(took);
        if !worked {
            self.shown.failures.inc();
        }
    }

    /// So much waits in the spool, of one partition or less than before.
    pub(crate) fn spooled(&self, packets: i64, bytes: i64) {
        self.shown.spool_packets.inc_by(packets);
        self.shown.spool_bytes.inc_by(bytes);
    }

    /// So many partitions are held.
    pub(crate) fn holds(&self, partitions: usize) {
        self.shown.partitions.set(i64::try_from(partitions).unwrap_or(i64::MAX));
    }

    /// Shows what is bounded, and begins at nothing what has kinds.
    pub(crate) fn show(&self) {
        for kind in FlawKind::ALL {
            let _ = counter("hoop_recording_flaws_total", &[("kind", kind.as_str())]);
        }
        let all = u64::from(Partition::COUNT);
        let count = |gauge: &Gauge| {
            let gauge = gauge.clone();
            move || Some(u64::try_from(gauge.get()).unwrap_or_default())
        };
        bounded("spool_packets", ROOM_PACKETS * all, count(&self.shown.spool_packets));
        bounded("spool_bytes", ROOM_BYTES * all, count(&self.shown.spool_bytes));
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

#[derive(Debug)]
struct Shown {
    packets: Counter,
    duplicates: Counter,
    segments: Counter,
    raw_bytes: Counter,
    stored_bytes: Counter,
    finished: Counter,
    commit: Histogram,
    failures: Counter,
    spool_packets: Gauge,
    spool_bytes: Gauge,
    partitions: Gauge,
}

impl Default for Shown {
    fn default() -> Self {
        Self {
            packets: counter("hoop_packets_recorded_total", &[]),
            duplicates: counter("hoop_packets_known_total", &[]),
            segments: counter("hoop_segments_total", &[]),
            raw_bytes: counter("hoop_segment_raw_bytes_total", &[]),
            stored_bytes: counter("hoop_segment_stored_bytes_total", &[]),
            finished: counter("hoop_recordings_finished_total", &[]),
            commit: histogram("hoop_segment_commit_seconds", &[]),
            failures: counter("hoop_commit_failures_total", &[]),
            spool_packets: gauge("hoop_spool_packets", &[]),
            spool_bytes: gauge("hoop_spool_bytes", &[]),
            partitions: gauge("hoop_partitions_held", &[]),
        }
    }
}
