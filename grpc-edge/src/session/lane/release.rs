//! What leaves a lane, and when: that is what an audit level says.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use hoop_proto::{self as proto, AuditLevel};
use hoop_runtime::step;

use super::{Event, Lane, packet::Packet};
use crate::session::Head;

/// At level `windowed`, what may have left without being recorded.
const WINDOWED_BYTES: usize = 1024 * 1024;
const WINDOWED_AGE: Duration = Duration::from_secs(5);

/// The sender is told what it may forget when it is worth a frame.
const WORTH_TELLING_BYTES: usize = 64 * 1024;
const WORTH_TELLING_PAYLOADS: u64 = 32;

/// What came of news about a packet.
#[derive(Debug, Default, PartialEq)]
pub(in crate::session) struct Settled {
    /// The session's end, when that has left.
    pub(in crate::session) end: Option<proto::SessionEnd>,
    /// This direction is published elsewhere from now on.
    pub(in crate::session) overtaken: bool,
    /// The end that sends this direction goes on at another edge.
    pub(in crate::session) moved: bool,
    /// The stream has to be looked at.
    pub(in crate::session) doubt: bool,
    /// A packet of ours was refused for now, with the broker's words.
    pub(in crate::session) refused: Option<String>,
    /// How many payloads its sender may forget, when it is worth telling.
    pub(in crate::session) received: Option<u64>,
}

/// How far a lane has let packets out.
#[derive(Debug, Default)]
pub(in crate::session) struct Release {
    pub(super) level: AuditLevel,
    /// Recorded, and not yet on the audit-writer's disk.
    unsynced: VecDeque<Packet>,
    unsynced_bytes: usize,
    /// The audit-writer has everything up to this packet.
    synced: u64,
    /// How many payloads have left.
    payloads: u64,
    /// What its sender was told last, and how much was recorded since.
    told: u64,
    untold_bytes: usize,
    pub(super) ended: bool,
}

impl Release {
    pub(super) const fn begin_after(&mut self, head: &Head) {
        self.payloads = head.taken;
        self.told = head.taken;
        self.untold_bytes = 0;
    }

    /// Since when something is held back though it is recorded.
    pub(super) fn held_since(&self) -> Option<Instant> {
        self.unsynced.front().map(|packet| packet.since)
    }

    /// What is held back though it is recorded, in bytes.
    pub(super) const fn held(&self) -> usize {
        self.unsynced_bytes
    }
}

impl Lane {
    /// Lets out what has become the recording's next packet.
    pub(super) fn settle(&mut self) -> Settled {
        let mut settled = Settled::default();
        while let Some(packet) = self.take_next() {
            self.begun = true;
            self.recorded = packet.seq;
            self.stream_seq = packet.stored.unwrap_or(self.stream_seq);
            self.taken = self.taken.max(packet.taken);
            self.early.retain(|early| packet.seq < early.seq);
            settled.moved |= packet.resumed;
            if self.ours.is_some() && packet.publisher != self.ours {
                self.give_up();
                settled.overtaken = true;
            }
            // Whatever else has this number was refused, or is about to be.
            self.drop_waiting(|other| other.seq <= packet.seq);
            self.release.untold_bytes += packet.size;
            match self.release.level {
                AuditLevel::Synced => {
                    self.release.unsynced_bytes += packet.size;
                    self.release.unsynced.push_back(packet);
                }
                _ => self.let_out(packet, &mut settled),
            }
        }
        self.let_out_synced(&mut settled);
        settled.received = self.worth_telling();
        settled
    }

    fn take_next(&mut self) -> Option<Packet> {
        let next = self.recorded + 1;
        let is_next = |packet: &Packet| packet.seq == next && packet.stored.is_some();
        let index = self.waiting.iter().position(is_next)?;
        let packet = self.waiting.remove(index)?;
        self.unpaid = self.unpaid.saturating_sub(packet.unpaid());
        Some(packet)
    }

    /// The audit-writer has everything up to packet `seq` on its disk.
    pub(in crate::session) fn synced(&mut self, seq: u64) -> Settled {
        let mut settled = Settled::default();
        self.release.synced = self.release.synced.max(seq);
        self.let_out_synced(&mut settled);
        settled
    }

    fn let_out_synced(&mut self, settled: &mut Settled) {
        let synced = self.release.synced;
        while let Some(packet) = self.release.unsynced.pop_front_if(|packet| packet.seq <= synced) {
            self.release.unsynced_bytes = self.release.unsynced_bytes.saturating_sub(packet.size);
            self.let_out(packet, settled);
        }
    }

    /// At level `windowed`: lets out what is not recorded yet, as far as that may go.
    pub(super) fn release_early(&mut self) {
        if self.release.level != AuditLevel::Windowed || self.outlet.is_none() {
            return;
        }
        let now = Instant::now();
        let mut ahead = 0;
        let mut settled = Settled::default();
        for index in 0..self.waiting.len() {
            let Some(packet) = self.waiting.get_mut(index) else { return };
            ahead += packet.size;
            let late = WINDOWED_AGE < now.duration_since(packet.since);
            if packet.released && !late && ahead <= WINDOWED_BYTES {
                continue;
            }
            let next = packet.seq == self.recorded + 1 + u64::try_from(index).unwrap_or(u64::MAX);
            if !next || late || WINDOWED_BYTES < ahead || packet.is_end() {
                return;
            }
            packet.released = true;
            let (seq, taken, unpaid) = (packet.seq, packet.taken, packet.unpaid());
            let payload = packet.payload.take();
            self.unpaid = self.unpaid.saturating_sub(unpaid);
            self.deliver(seq, taken, payload, &mut settled);
        }
    }

    fn let_out(&mut self, packet: Packet, settled: &mut Settled) {
        if !packet.released {
            self.deliver(packet.seq, packet.taken, packet.payload, settled);
        }
    }

    fn deliver(
        &mut self,
        seq: u64,
        taken: u64,
        payload: Option<proto::Payload>,
        settled: &mut Settled,
    ) {
        let pieces = u32::try_from(taken.saturating_sub(self.release.payloads)).unwrap_or(1);
        self.release.payloads = self.release.payloads.max(taken);
        let Some(payload) = payload else { return };
        if let Some(proto::payload::Body::SessionEnd(last)) = &payload.body {
            self.release.ended = true;
            settled.end = Some(last.clone());
        }
        step::at(step::Step::BeforeRelay);
        self.tell(Event::Delivery(proto::Delivery { seq, payload: Some(payload), pieces }));
    }

    fn worth_telling(&mut self) -> Option<u64> {
        let untold = self.taken.saturating_sub(self.release.told);
        let worth =
            WORTH_TELLING_BYTES <= self.release.untold_bytes || WORTH_TELLING_PAYLOADS <= untold;
        (worth && untold != 0).then(|| {
            self.release.told = self.taken;
            self.release.untold_bytes = 0;
            self.taken
        })
    }
}
