//! One direction of a recording that is being checked.

use bytes::Bytes;
use hoop_domain::{Chain, Direction, SessionId, manifest::WaySummary};
use hoop_proto::{packet, v1};

use crate::{Finding, finding::Findings};

/// Numbers that are left out, one run after another; more is one more finding each, and a
/// recording with that many holes needs no list of them.
const MOST_HOLES: usize = 1000;

#[derive(Debug)]
pub(super) struct Way {
    direction: Direction,
    head: Chain,
    /// The highest number so far.
    last: u64,
    seen: u64,
    holes: Vec<(u64, u64)>,
    /// How many packets were signed before the end, and the head of the chain after them.
    passes: Option<(u64, Chain)>,
    /// Something was wrong, so that the end can't be right.
    wrong: bool,
}

impl Way {
    pub(super) fn start(session: SessionId, direction: Direction) -> Self {
        let head = Chain::start(session, direction);
        Self { direction, head, last: 0, seen: 0, holes: Vec::new(), passes: None, wrong: false }
    }

    /// What was signed before the end.
    pub(super) const fn passes(&mut self, before: &WaySummary) {
        self.passes = Some((before.packets, before.chain));
    }

    pub(super) const fn seen(&self) -> u64 {
        self.seen
    }

    /// The next packet of this direction and session, as it is recorded.
    pub(super) fn take(&mut self, packet: &v1::Packet, encoded: &Bytes, findings: &mut Findings) {
        let (direction, seq) = (self.direction, packet.seq);
        let follows = packet::follow(encoded, self.head);
        self.head = follows.unwrap_or(self.head);
        let next = self.last.saturating_add(1);
        self.seen += 1;
        if follows.is_some() && seq == next {
            self.last = seq;
            let other = |(packets, chain)| packets == self.seen && chain != self.head;
            if !self.wrong && self.passes.is_some_and(other) {
                findings.push(Finding::CheckpointContradicted);
            }
            return;
        }
        self.wrong = true;
        if seq <= self.last {
            findings.push(if self.fill(seq) {
                Finding::PacketReordered { direction, seq }
            } else {
                Finding::PacketRepeated { direction, seq }
            });
            return;
        }
        if seq == next {
            findings.push(Finding::PacketChanged { direction, seq });
        } else if self.holes.len() < MOST_HOLES {
            self.holes.push((next, seq - 1));
        }
        self.last = seq;
        // What follows is compared with what is there.
        if let Ok(chain) = <[u8; 32]>::try_from(packet.chain.as_ref()) {
            self.head = Chain::from(chain);
        }
    }

    /// Whether `seq` was left out before.
    fn fill(&mut self, seq: u64) -> bool {
        let hole = self.holes.iter().position(|(first, last)| (*first..=*last).contains(&seq));
        let Some(hole) = hole else { return false };
        let (first, last) = self.holes.remove(hole);
        if first < seq {
            self.holes.push((first, seq - 1));
        }
        if seq < last {
            self.holes.push((seq + 1, last));
        }
        true
    }

    pub(super) fn finish(&mut self, signed: &WaySummary, findings: &mut Findings) {
        let direction = self.direction;
        self.holes.sort_unstable();
        let missing = |&(first, last)| Finding::PacketsMissing { direction, first, last };
        findings.extend(self.holes.iter().map(missing));
        if self.last < signed.last_seq {
            let (found, signed) = (self.last, signed.last_seq);
            findings.push(Finding::CutOff { direction, found, signed });
        } else if !self.wrong && (self.head != signed.chain || self.seen != signed.packets) {
            findings.push(Finding::WrongEnd { direction });
        }
    }
}
