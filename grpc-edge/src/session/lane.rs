//! One direction of a session on one edge: from "published" to "delivered", in order.
//!
//! Whoever publishes a packet, this edge or the other, it waits here until the broker's
//! receipt says that it is the recording's next one. While a session moves, two edges may
//! publish under one number; the broker takes one of them, and the other one's packet is
//! dropped here. What nobody knows about for a while is looked up in the stream itself.

mod packet;
mod release;

use std::{
    collections::{HashMap, VecDeque},
    time::Instant,
};

use bytes::Bytes;
use hoop_bus::{
    packets::{Publisher, Receipt},
    recorded::Recorded,
};
use hoop_proto::{self as proto, packet as wire};

use super::{Event, Head, Outlet, credit, outlet::MOST_UNPAID};
use crate::metrics;
pub(super) use packet::Packet;
pub(super) use release::{Release, Settled};

/// Why a lane can't go on: a packet that is not, or may not be, in the recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Broken {
    #[error("packet {expected} is no longer in the stream: the next one there is {got}")]
    PacketMissing { expected: u64, got: u64 },
    #[error("a packet of the other edge can't be decoded")]
    Undecodable,
    #[error("more waits for the endpoint than it will ever take")]
    Flooded,
}

/// Receipts that came before their packets; there is one packet in flight per publisher.
const MOST_EARLY: usize = 16;

/// See the module. At most a window of packets is in here.
#[derive(Debug, Default)]
pub(super) struct Lane {
    waiting: VecDeque<Packet>,
    early: VecDeque<Early>,
    /// Every packet up to this one is in the stream.
    recorded: u64,
    /// The stream's own number for that packet.
    stream_seq: u64,
    /// How many payloads of the sender are in the stream.
    taken: u64,
    /// Whether it is known where the direction stands.
    begun: bool,
    /// Who publishes this direction here, if somebody does.
    ours: Option<Publisher>,
    release: Release,
    outlet: Option<Outlet>,
    /// What is in `waiting` beside data.
    unpaid: usize,
    /// When data came last.
    data_at: Option<Instant>,
    /// What the sender may still send, per channel.
    pub(super) allowances: HashMap<u32, credit::Allowance>,
}

#[derive(Debug)]
struct Early {
    seq: u64,
    publisher: Publisher,
    stream_seq: u64,
    since: Instant,
}

/// A packet of ours of which nobody knows whether the broker has it.
pub(super) struct Unknown {
    pub(super) seq: u64,
    pub(super) publisher: Publisher,
    pub(super) encoded: Bytes,
    pub(super) expected: u64,
}

impl Lane {
    pub(super) fn set_outlet(&mut self, outlet: Option<Outlet>) {
        self.outlet = outlet;
    }

    pub(super) fn set_level(&mut self, level: proto::AuditLevel) {
        self.release.level = level;
    }

    /// The last packet that is in the stream and has left.
    pub(super) const fn recorded(&self) -> u64 {
        self.recorded
    }

    /// The last packet that was published here, or was heard of.
    pub(super) fn last_published(&self) -> u64 {
        self.waiting.iter().map(|packet| packet.seq).fold(self.recorded, u64::max)
    }

    /// The stream's own number for the last packet that has left.
    pub(super) const fn stream_seq(&self) -> u64 {
        self.stream_seq
    }

    /// The stream was looked at up to this number of its own.
    pub(super) fn seen(&mut self, stream_seq: u64) {
        self.stream_seq = self.stream_seq.max(stream_seq);
    }

    /// Whether it is known where the direction stands.
    pub(super) const fn has_begun(&self) -> bool {
        self.begun
    }

    /// Packets are expected after `head`.
    pub(super) fn begin_after(&mut self, head: &Head) {
        self.begun = true;
        self.drop_waiting(|packet| packet.seq <= head.seq);
        self.early.retain(|early| head.seq < early.seq);
        self.recorded = head.seq;
        self.stream_seq = head.stream_seq;
        self.taken = head.taken;
        self.release.begin_after(head);
    }

    /// `publisher` publishes this direction, here.
    pub(super) const fn give_to(&mut self, publisher: Publisher) {
        self.begun = true;
        self.ours = Some(publisher);
    }

    /// Whether this direction is published here.
    pub(super) const fn is_ours(&self) -> bool {
        self.ours.is_some()
    }

    /// Whether a packet of ours has no receipt yet.
    pub(super) fn in_flight(&self) -> bool {
        self.ours.is_some() && self.waiting.iter().any(|packet| packet.publisher == self.ours)
    }

    /// Takes note of a packet that is about to be published here. Returns what the broker
    /// is to expect as the subject's newest message.
    pub(super) fn publish(&mut self, packet: Packet) -> u64 {
        self.push(packet);
        self.release_early();
        self.stream_seq
    }

    /// Takes in a packet that the other edge has published.
    pub(super) fn witness(
        &mut self,
        publisher: Publisher,
        encoded: Bytes,
    ) -> Result<Settled, Broken> {
        let mut packet = Packet::witnessed(publisher, encoded)?;
        let known = |one: &Packet| (one.seq, one.publisher) == (packet.seq, packet.publisher);
        if packet.seq <= self.recorded || self.waiting.iter().any(known) {
            return Ok(Settled::default());
        }
        self.check_flood().map_err(|_| Broken::Flooded)?;
        let early = |one: &Early| (one.seq, Some(one.publisher)) == (packet.seq, packet.publisher);
        packet.stored = self.early.iter().find(|one| early(one)).map(|one| one.stream_seq);
        self.push(packet);
        self.release_early();
        Ok(self.settle())
    }

    fn push(&mut self, packet: Packet) {
        self.unpaid += packet.unpaid();
        if packet.payload.as_ref().is_some_and(|payload| payload.cost() != 0) {
            self.data_at = Some(packet.since);
        }
        self.waiting.push_back(packet);
    }

    /// Takes in the broker's word on packet `seq` of `publisher`.
    pub(super) fn receive(&mut self, seq: u64, publisher: Publisher, receipt: Receipt) -> Settled {
        let its = |packet: &Packet| packet.seq == seq && packet.publisher == Some(publisher);
        let ours = self.ours == Some(publisher);
        match receipt {
            _ if seq <= self.recorded => Settled::default(),
            Receipt::Stored { stream_seq } => {
                match self.waiting.iter_mut().find(|packet| its(packet)) {
                    Some(packet) => {
                        packet.stored = Some(stream_seq);
                        if ours {
                            metrics::edge().acknowledged(packet.since);
                        }
                    }
                    None => self.note_early(seq, publisher, stream_seq),
                }
                self.settle()
            }
            // Somebody has taken over; or it was published twice, and the first one counts.
            Receipt::Fenced if ours => Settled { doubt: true, ..Settled::default() },
            Receipt::Fenced => {
                self.drop_waiting(|packet| {
                    packet.publisher == Some(publisher) && seq <= packet.seq
                });
                Settled::default()
            }
            Receipt::Refused { cause } if ours => {
                Settled { refused: Some(cause), ..Settled::default() }
            }
            // It will come again, from there.
            Receipt::Refused { .. } => Settled::default(),
        }
    }

    fn note_early(&mut self, seq: u64, publisher: Publisher, stream_seq: u64) {
        if MOST_EARLY <= self.early.len() {
            self.early.pop_front();
        }
        self.early.push_back(Early { seq, publisher, stream_seq, since: Instant::now() });
    }

    /// Takes in what the stream holds. Told in the order of the stream, from the number that
    /// [`Self::stream_seq`] gave.
    pub(super) fn found(&mut self, found: Recorded) -> Result<Settled, Broken> {
        let (stored, encoded) = (Some(found.stream_seq), found.encoded);
        let expected = self.recorded + 1;
        if let Some(ours) =
            self.waiting.iter_mut().find(|one| one.encoded.as_ref() == Some(&encoded))
        {
            ours.stored = stored;
            return Ok(self.settle());
        }
        let packet = Packet { stored, ..Packet::found(encoded)? };
        let got = packet.seq;
        if got < expected {
            return Ok(Settled::default());
        }
        if got != expected {
            if self.outlet.is_some() {
                return Err(Broken::PacketMissing { expected, got });
            }
            // It went on elsewhere, and nobody here receives what is gone from the stream.
            self.recorded = got - 1;
        }
        self.push(packet);
        Ok(self.settle())
    }

    /// What is to be published again when the stream does not have it.
    pub(super) fn unknown(&self) -> Option<Unknown> {
        let publisher = self.ours?;
        let packet = self.waiting.iter().find(|packet| packet.publisher == Some(publisher))?;
        let (seq, encoded, expected) = (packet.seq, packet.encoded.clone()?, self.stream_seq);
        (packet.stored.is_none() && seq == self.recorded + 1).then_some(Unknown {
            seq,
            publisher,
            encoded,
            expected,
        })
    }

    /// Whether something has left that is not recorded yet.
    pub(super) fn is_ahead(&self) -> bool {
        self.waiting.iter().any(|packet| packet.released)
    }

    /// Nothing of ours is published any more.
    pub(super) fn give_up(&mut self) {
        if let Some(publisher) = self.ours.take() {
            self.drop_waiting(|packet| packet.publisher == Some(publisher));
        }
    }

    fn drop_waiting(&mut self, condemned: impl Fn(&Packet) -> bool) {
        let unpaid: usize =
            self.waiting.iter().filter(|packet| condemned(packet)).map(Packet::unpaid).sum();
        self.unpaid = self.unpaid.saturating_sub(unpaid);
        self.waiting.retain(|packet| !condemned(packet));
    }

    /// Tells the endpoint of this edge that receives this direction, if there is one.
    pub(super) fn tell(&self, event: Event) {
        if let Some(outlet) = &self.outlet {
            outlet.tell(event);
        }
    }

    pub(super) const fn has_outlet(&self) -> bool {
        self.outlet.is_some()
    }

    /// Whether its end is recorded.
    pub(super) const fn complete(&self) -> bool {
        self.release.ended
    }

    pub(super) fn untouched(&self) -> bool {
        self.recorded == 0 && self.waiting.is_empty()
    }

    /// Since when the oldest packet of ours waits for its receipt, or any for the audit-writer.
    pub(super) fn waiting_since(&self) -> Option<Instant> {
        let ours = self.waiting.iter().filter(|packet| packet.encoded.is_some());
        ours.map(|packet| packet.since).chain(self.release.held_since()).min()
    }

    /// Since when something is here of which the rest has not come: a packet without its
    /// receipt, or a receipt without its packet.
    pub(super) fn doubtful_since(&self) -> Option<Instant> {
        let packets = self.waiting.iter().map(|packet| packet.since);
        packets.chain(self.early.iter().map(|early| early.since)).min()
    }

    pub(super) const fn data_at(&self) -> Option<Instant> {
        self.data_at
    }

    /// Whether more than data may be added to what waits for the endpoint.
    pub(super) fn check_flood(&self) -> Result<(), credit::Exceeded> {
        if MOST_UNPAID <= self.unpaid() {
            return Err(credit::Exceeded);
        }
        self.check_data()
    }

    /// What waits for the endpoint beside data.
    pub(super) fn unpaid(&self) -> usize {
        self.unpaid + self.outlet.as_ref().map_or(0, Outlet::waiting)
    }

    /// Whether more data may be added to what waits. Credit says so as well; but after a move
    /// it is the sender who says what it has spent.
    fn check_data(&self) -> Result<(), credit::Exceeded> {
        let waiting = self.outlet.as_ref().map_or(0, Outlet::waiting_data) + self.release.held();
        let most = credit::most_waiting(self.allowances.len());
        if waiting < most { Ok(()) } else { Err(credit::Exceeded) }
    }

    /// Takes what a payload costs from its channel's allowance. What costs nothing is
    /// bounded by how much of it waits.
    pub(super) fn charge(&mut self, channel: u32, cost: usize) -> Result<(), credit::Exceeded> {
        if cost == 0 {
            return self.check_flood();
        }
        if cost > wire::LARGEST_DATA + wire::FRAME_COST {
            return Err(credit::Exceeded);
        }
        self.check_data()?;
        credit::allowance(&mut self.allowances, channel)?.take(cost)
    }
}
