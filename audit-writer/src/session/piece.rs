//! The part of a recording that is spooled and not handed over yet.

use chrono::{DateTime, Utc};
use hoop_domain::{Both, Direction};
use hoop_store::recording::{Segment, format::RECORD_HEADER};
use tokio::time::Instant;

#[derive(Debug)]
pub(super) struct Piece<T> {
    tickets: Vec<Held<T>>,
    seqs: Both<Option<(u64, u64)>>,
    packets: u64,
    raw_bytes: u64,
    times: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// When the first packet, or the first flaw, came in.
    since: Option<Instant>,
}

/// A ticket and the packet that it is for.
#[derive(Debug)]
pub(super) struct Held<T> {
    pub(super) direction: Direction,
    pub(super) seq: u64,
    /// The message's.
    pub(super) length: u32,
    pub(super) ticket: T,
}

/// What a piece holds.
#[derive(Debug, Clone)]
pub struct PieceInfo {
    number: u32,
    seqs: Both<Option<(u64, u64)>>,
    packets: u64,
    /// Its size in the spool.
    pub raw_bytes: u64,
    times: (DateTime<Utc>, DateTime<Utc>),
}

impl<T> Default for Piece<T> {
    fn default() -> Self {
        Self {
            tickets: Vec::new(),
            seqs: Both::default(),
            packets: 0,
            raw_bytes: 0,
            times: None,
            since: None,
        }
    }
}

impl<T> Piece<T> {
    /// Counts a packet that goes into the spool.
    pub(super) fn add(&mut self, held: Held<T>, at: DateTime<Utc>, now: Instant) {
        let seqs = self.seqs.get_mut(held.direction);
        *seqs = Some((seqs.map_or(held.seq, |(first, _)| first), held.seq));
        self.packets += 1;
        let header = u64::try_from(RECORD_HEADER).unwrap_or(u64::MAX);
        self.raw_bytes += header.saturating_add(held.length.into());
        self.times = Some((self.times.map_or(at, |(begun, _)| begun), at));
        self.hold(held, now);
    }

    /// Holds a ticket until the piece is committed.
    pub(super) fn hold(&mut self, held: Held<T>, now: Instant) {
        self.since.get_or_insert(now);
        self.tickets.push(held);
    }

    /// Since when it waits to be cut; `None` when there is nothing in it.
    pub(super) const fn since(&self) -> Option<Instant> {
        self.since
    }

    pub(super) const fn raw_bytes(&self) -> u64 {
        self.raw_bytes
    }

    /// What is in the spool; `None` when nothing is.
    pub(super) fn info(&self, number: u32) -> Option<PieceInfo> {
        let times = self.times?;
        let Self { seqs, packets, raw_bytes, .. } = *self;
        Some(PieceInfo { number, seqs, packets, raw_bytes, times })
    }

    pub(super) fn into_tickets(self) -> Vec<Held<T>> {
        self.tickets
    }
}

impl PieceInfo {
    /// The segment that the piece becomes.
    #[must_use]
    pub fn into_segment(self, stored: Vec<u8>) -> Segment {
        let digest = *blake3::hash(&stored).as_bytes();
        let (begun_at, ended_at) = self.times;
        let Self { number, seqs, packets, raw_bytes, .. } = self;
        Segment {
            number,
            seqs,
            packets,
            raw_bytes,
            begun_at,
            ended_at,
            stored,
            object: None,
            digest,
        }
    }
}
