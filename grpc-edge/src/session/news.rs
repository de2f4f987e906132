//! What the broker says of a session's packets, and what follows.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use hoop_bus::packets::{Publisher, Receipt};
use hoop_domain::Direction;
use hoop_proto as proto;
use hoop_runtime::step;

use super::{Elsewhere, Event, Session, lane::Settled};

impl Session {
    /// A packet that the other edge has published.
    pub(super) fn witness(
        self: &Arc<Self>,
        direction: Direction,
        publisher: Publisher,
        encoded: Bytes,
    ) {
        let outcome = {
            let mut state = self.state();
            state.heard();
            state.lane(direction).witness(publisher, encoded)
        };
        match outcome {
            Ok(settled) => self.settled(direction, settled),
            Err(cause) => self.unrecordable(cause),
        }
    }

    /// The broker's word on a packet.
    pub(super) fn receive(
        self: &Arc<Self>,
        direction: Direction,
        seq: u64,
        publisher: Publisher,
        receipt: Receipt,
    ) {
        step::at(step::Step::AfterAck);
        let settled = self.state().lane(direction).receive(seq, publisher, receipt);
        self.settled(direction, settled);
    }

    /// The audit-writer has what has these numbers on its disk.
    pub(super) fn synced(self: &Arc<Self>, synced: proto::Synced) {
        for (direction, seq) in [(Direction::In, synced.in_seq), (Direction::Out, synced.out_seq)] {
            let settled = self.state().lane(direction).synced(seq);
            self.settled(direction, settled);
        }
    }

    pub(super) fn settled(self: &Arc<Self>, direction: Direction, settled: Settled) {
        self.news.get(direction).notify_waiters();
        if let Some(payloads) = settled.received {
            self.state().lane(direction.reverse()).tell(Event::Received(payloads));
        }
        if let Some(cause) = settled.refused {
            let (session, direction) = (self.id, direction.as_str());
            tracing::warn!(%session, direction, cause, "the broker takes no packets for now");
        }
        if settled.doubt {
            self.look(direction);
        }
        if settled.overtaken {
            self.overtaken(direction);
        }
        if settled.moved {
            self.repeat_credit(direction);
        }
        self.after_delivery(settled.end);
    }

    /// The end that sends `direction` goes on at another edge.
    fn overtaken(self: &Arc<Self>, direction: Direction) {
        tracing::info!(session = %self.id, direction = direction.as_str(), "an end has moved on");
        self.lose_seat(direction);
        let mut state = self.state();
        state.elsewhere = Elsewhere::Edge { heard_at: Instant::now() };
        let received = state.lane(direction.reverse());
        received.tell(Event::Moved);
        received.set_outlet(None);
        if !state.lane(direction.reverse()).is_ours() {
            state.left = true;
            drop(state);
            self.done.cancel();
        }
    }

    fn after_delivery(&self, end: Option<proto::SessionEnd>) {
        if let Some(end) = end {
            self.state().ended_in_band = true;
            self.close(proto::SessionClosed { code: end.code, message: end.message });
        }
        let state = self.state();
        if state.inward.complete() && state.outward.complete() {
            drop(state);
            self.done.cancel();
        } else if state.end.is_some() && state.elsewhere == Elsewhere::Nobody {
            // The agent never came: only `in` has packets.
            let silent = state.outward.untouched() && state.inward.complete();
            if silent {
                self.done.cancel();
            }
        }
    }
}
