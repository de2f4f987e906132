//! One direction of a session on one edge: from "published" to "delivered", in order.

use std::{
    collections::{HashMap, VecDeque},
    time::Instant,
};

use bytes::Bytes;
use hoop_bus::packets::Receipt;
use hoop_proto::{self as proto, packet};
use hoop_runtime::step;
use prost::Message;

use super::{
    Event, Outlet, credit,
    outlet::{MOST_UNPAID, unpaid},
};
use crate::metrics;

/// Why a lane can't go on: a packet that is not, or may not be, in the recording.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Broken {
    #[error("another edge has taken over this direction")]
    Fenced,
    #[error("the broker refused packet {seq}: {cause}")]
    Refused { seq: u64, cause: String },
    #[error("the receipt of packet {expected} is missing: got the one of {got}")]
    ReceiptMissing { expected: u64, got: u64 },
    #[error("packet {expected} of the other edge is missing: got {got}")]
    PacketMissing { expected: u64, got: u64 },
    #[error("a packet of the other edge can't be decoded")]
    Undecodable,
    #[error("more waits for the endpoint than it will ever take")]
    Flooded,
}

/// A packet on its way: recorded or not, delivered not yet.
#[derive(Debug)]
struct Packet {
    seq: u64,
    published_at: Option<Instant>,
    /// What the endpoint gets; `None` for packets that are for the recording alone.
    payload: Option<proto::Payload>,
}

impl Packet {
    fn unpaid(&self) -> usize {
        self.payload.as_ref().map_or(0, unpaid)
    }
}

/// See the module. At most a window of packets is in here.
#[derive(Debug, Default)]
pub(super) struct Lane {
    waiting: VecDeque<Packet>,
    last_published: u64,
    /// Every packet up to this one is in the stream.
    recorded: u64,
    /// Every packet up to this one has left through the outlet.
    delivered: u64,
    /// The number that the stream gave to the newest packet of ours that it has.
    stream_seq: u64,
    ended: bool,
    outlet: Option<Outlet>,
    /// What is in `waiting` beside data.
    unpaid: usize,
    /// When data came last.
    data_at: Option<Instant>,
    /// What the sender may still send, per channel.
    pub(super) allowances: HashMap<u32, credit::Allowance>,
}

impl Lane {
    pub(super) fn set_outlet(&mut self, outlet: Outlet) {
        self.outlet = Some(outlet);
    }

    pub(super) const fn last_published(&self) -> u64 {
        self.last_published
    }

    /// The other edge's packets are expected after `seq`.
    pub(super) const fn begin_remote_after(&mut self, seq: u64) {
        self.last_published = seq;
        self.recorded = seq;
        self.delivered = seq;
    }

    /// Takes note of a packet that is about to be published here. Returns what the broker
    /// is to expect as the subject's newest message, where that is known.
    pub(super) fn publish(&mut self, seq: u64, payload: Option<proto::Payload>) -> Option<u64> {
        let expected = self.waiting.is_empty().then_some(self.stream_seq);
        let now = Instant::now();
        self.push(Packet { seq, published_at: Some(now), payload }, now);
        expected
    }

    /// Takes in a packet that the other edge has published.
    pub(super) fn witness(&mut self, encoded: Bytes) -> Result<Option<proto::SessionEnd>, Broken> {
        let decoded = proto::Packet::decode(encoded).map_err(|_| Broken::Undecodable)?;
        let (expected, got) = (self.last_published + 1, decoded.seq);
        if got < expected {
            return Ok(None);
        }
        if got != expected {
            return Err(Broken::PacketMissing { expected, got });
        }
        self.check_flood().map_err(|_| Broken::Flooded)?;
        let payload = decoded.into_payload();
        self.push(Packet { seq: got, published_at: None, payload }, Instant::now());
        Ok(self.deliver())
    }

    fn push(&mut self, packet: Packet, now: Instant) {
        self.last_published = packet.seq;
        self.unpaid += packet.unpaid();
        if packet.payload.as_ref().is_some_and(|payload| payload.cost() != 0) {
            self.data_at = Some(now);
        }
        self.waiting.push_back(packet);
    }

    /// Takes in the broker's word on packet `seq`. Receipts come in order.
    pub(super) fn receive(
        &mut self,
        seq: u64,
        receipt: Receipt,
    ) -> Result<Option<proto::SessionEnd>, Broken> {
        if seq <= self.recorded {
            return Ok(None);
        }
        if seq != self.recorded + 1 {
            return Err(Broken::ReceiptMissing { expected: self.recorded + 1, got: seq });
        }
        match receipt {
            Receipt::Stored { stream_seq } => {
                self.recorded = seq;
                self.stream_seq = stream_seq;
                if let Some(at) = self.waiting.front().and_then(|packet| packet.published_at) {
                    metrics::edge().acknowledged(at);
                }
                Ok(self.deliver())
            }
            Receipt::Fenced => Err(Broken::Fenced),
            Receipt::Refused { cause } => Err(Broken::Refused { seq, cause }),
        }
    }

    /// Lets out what is recorded. Returns the session's end when that was among it.
    fn deliver(&mut self) -> Option<proto::SessionEnd> {
        let mut end = None;
        while let Some(packet) = self.waiting.pop_front_if(|packet| packet.seq <= self.recorded) {
            self.delivered = packet.seq;
            self.unpaid = self.unpaid.saturating_sub(packet.unpaid());
            let Some(payload) = packet.payload else { continue };
            if let Some(proto::payload::Body::SessionEnd(last)) = &payload.body {
                self.ended = true;
                end = Some(last.clone());
            }
            step::at(step::Step::BeforeRelay);
            self.tell(Event::Delivery(proto::Delivery { seq: packet.seq, payload: Some(payload) }));
        }
        end
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
        self.ended
    }

    pub(super) const fn untouched(&self) -> bool {
        self.last_published == 0
    }

    pub(super) fn waiting_since(&self) -> Option<Instant> {
        self.waiting.front().and_then(|packet| packet.published_at)
    }

    pub(super) const fn data_at(&self) -> Option<Instant> {
        self.data_at
    }

    /// Whether more than data may be added to what waits for the endpoint.
    pub(super) fn check_flood(&self) -> Result<(), credit::Exceeded> {
        if self.unpaid() < MOST_UNPAID { Ok(()) } else { Err(credit::Exceeded) }
    }

    /// What waits for the endpoint beside data.
    pub(super) fn unpaid(&self) -> usize {
        self.unpaid + self.outlet.as_ref().map_or(0, Outlet::waiting)
    }

    /// Takes what a payload costs from its channel's allowance. What costs nothing is
    /// bounded by how much of it waits.
    pub(super) fn charge(&mut self, channel: u32, cost: usize) -> Result<(), credit::Exceeded> {
        if cost == 0 {
            return self.check_flood();
        }
        if cost > packet::LARGEST_DATA + packet::FRAME_COST {
            return Err(credit::Exceeded);
        }
        credit::allowance(&mut self.allowances, channel)?.take(cost)
    }
}
