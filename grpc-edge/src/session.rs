//! A session as one edge holds it: two lanes, at most two ends, one end of life.
//!
//! ```text
//!  client end ──▶ Inlet(in) ──▶ lane in  ──▶ outlet ──▶ agent end
//!             ◀── outlet    ◀── lane out ◀── Inlet(out) ◀──
//! ```
//!
//! A lane whose packets are published here is *local*; one whose packets the other edge
//! publishes is *remote*. Either way a packet leaves through the outlet, in order, when
//! its receipt is in, and never before (invariant 2).

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use hoop_bus::{Bus, packets::Receipt};
use hoop_domain::{Direction, EndReason, SessionId};
use hoop_proto as proto;
use hoop_runtime::step;
use tokio_util::sync::CancellationToken;

mod admission;
mod credit;
mod driver;
mod flight;
mod inlet;
mod lane;
mod outlet;
#[cfg(test)]
mod tests;

use admission::Admission;
pub(crate) use admission::{JoinsFrom, Token};
pub(crate) use credit::MOST_CHANNELS;
pub(crate) use driver::Subscriptions;
pub use inlet::{Ended, Inlet};
use lane::Lane;
pub(crate) use outlet::MOST_UNPAID;
pub use outlet::{Event, Events, LocalCredit, Outlet, outlet};

/// Where the end is that this edge does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Elsewhere {
    /// There is none, or none yet.
    Nobody,
    /// On another edge, which was heard of at this time.
    Edge { heard_at: Instant },
}

/// One session on this edge.
#[derive(Debug)]
pub struct Session {
    id: SessionId,
    bus: Bus,
    begun_at: Instant,
    state: Mutex<State>,
    /// How many packets may be on their way to the broker, per direction.
    flights: [flight::Flights; 2],
    /// Fires when the session has ended, for whoever feeds an inlet.
    ended: CancellationToken,
    /// Fires when both directions are recorded to their end and nothing is left to do.
    done: CancellationToken,
}

#[derive(Debug)]
struct State {
    inward: Lane,
    outward: Lane,
    elsewhere: Elsewhere,
    /// Who may join as the agent's end; taken by the first who proves it.
    admission: Option<Admission>,
    end: Option<proto::SessionClosed>,
}

impl State {
    const fn lane(&mut self, direction: Direction) -> &mut Lane {
        match direction {
            Direction::In => &mut self.inward,
            Direction::Out => &mut self.outward,
        }
    }
}

impl Session {
    /// A session of which this edge holds no end yet.
    #[must_use]
    pub fn new(id: SessionId, bus: Bus) -> Self {
        let state = State {
            inward: Lane::default(),
            outward: Lane::default(),
            elsewhere: Elsewhere::Nobody,
            admission: None,
            end: None,
        };
        Self {
            id,
            bus,
            begun_at: Instant::now(),
            state: Mutex::new(state),
            flights: Default::default(),
            ended: CancellationToken::new(),
            done: CancellationToken::new(),
        }
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> SessionId {
        self.id
    }

    // A panic while the lock is held would have to come from this module; the state it
    // leaves is whole after every statement, so the poison carries no information.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    const fn flights(&self, direction: Direction) -> &flight::Flights {
        let [inward, outward] = &self.flights;
        match direction {
            Direction::In => inward,
            Direction::Out => outward,
        }
    }

    /// Gives the packets that travel in `direction` to an endpoint of this edge.
    pub fn set_outlet(&self, direction: Direction, outlet: Outlet) {
        self.state().lane(direction).set_outlet(outlet);
    }

    /// This edge joined a session whose client is elsewhere, after packet `in_seq` in.
    pub fn joined(&self, in_seq: u64) {
        let mut state = self.state();
        state.elsewhere = Elsewhere::Edge { heard_at: Instant::now() };
        state.inward.begin_remote_after(in_seq);
    }

    /// A packet that the other edge has published.
    fn witness(&self, direction: Direction, encoded: bytes::Bytes) {
        let outcome = {
            let mut state = self.state();
            state.heard();
            state.lane(direction).witness(encoded)
        };
        match outcome {
            Ok(end) => self.after_delivery(end),
            Err(cause) => self.unrecordable(&cause),
        }
    }

    /// The broker's word on a packet.
    fn receive(&self, direction: Direction, seq: u64, receipt: Receipt) {
        step::at(step::Step::AfterAck);
        let outcome = self.state().lane(direction).receive(seq, receipt);
        self.flights(direction).land();
        match outcome {
            Ok(end) => self.after_delivery(end),
            Err(cause) => self.unrecordable(&cause),
        }
    }

    fn after_delivery(&self, end: Option<proto::SessionEnd>) {
        if let Some(end) = end {
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

    fn unrecordable(&self, cause: &lane::Broken) {
        let session = self.id;
        if *cause == lane::Broken::Flooded {
            tracing::warn!(%session, %cause, "session ended");
            self.end(EndReason::ProtocolViolation);
        } else if self.end(EndReason::RecordingUnavailable) {
            tracing::error!(%session, %cause, "session ended: its packets can't be recorded");
        }
    }

    /// Tells the user something, if the client's end is here.
    pub fn notify(&self, sentence: String) {
        self.state().outward.tell(Event::Notice(sentence));
    }

    /// Ends the session with the reason's own sentence. The first reason stands; whether
    /// this was it is returned.
    pub fn end(&self, reason: EndReason) -> bool {
        self.close(proto::SessionClosed::of(reason))
    }

    /// Ends the session. The endpoints of this edge are told after what is delivered
    /// already; their inlets then record the end. The first reason stands.
    pub fn close(&self, closed: proto::SessionClosed) -> bool {
        let mut state = self.state();
        if state.end.is_some() {
            return false;
        }
        state.end = Some(closed.clone());
        state.inward.tell(Event::Closed(closed.clone()));
        state.outward.tell(Event::Closed(closed));
        drop(state);
        self.flights.iter().for_each(flight::Flights::ground);
        self.ended.cancel();
        true
    }

    /// Why the session ended, if it has.
    #[must_use]
    pub fn ended_with(&self) -> Option<proto::SessionClosed> {
        self.state().end.clone()
    }

    /// Why the session ended, if its recording will not say so.
    #[must_use]
    pub fn unrecorded_end(&self) -> Option<proto::SessionClosed> {
        let state = self.state();
        if state.inward.complete() { None } else { state.end.clone() }
    }

    /// When data last went either way.
    #[must_use]
    pub fn active_at(&self) -> Instant {
        let state = self.state();
        let data = [state.inward.data_at(), state.outward.data_at()];
        data.into_iter().flatten().max().unwrap_or(self.begun_at)
    }

    /// Waits until the session has ended.
    pub async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// Whether it has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended.is_cancelled()
    }

    /// Gives the session up: nothing more is going to be recorded.
    pub fn abandon(&self) {
        self.done.cancel();
    }

    /// What waits for the fuller of its outlets beside data.
    pub(crate) fn unpaid(&self) -> usize {
        let state = self.state();
        state.inward.unpaid().max(state.outward.unpaid())
    }

    /// How many channels it uses.
    pub(crate) fn channels(&self) -> usize {
        let state = self.state();
        state.inward.allowances.len().max(state.outward.allowances.len())
    }

    /// How long the oldest packet has been waiting for its receipt.
    #[must_use]
    pub fn stalled_for(&self, now: Instant) -> Option<std::time::Duration> {
        let state = self.state();
        let oldest = [state.inward.waiting_since(), state.outward.waiting_since()];
        oldest.into_iter().flatten().min().map(|since| now.saturating_duration_since(since))
    }

    /// How long the other edge has been silent, when there is one.
    #[must_use]
    pub fn silent_for(&self, now: Instant) -> Option<std::time::Duration> {
        match self.state().elsewhere {
            Elsewhere::Nobody => None,
            Elsewhere::Edge { heard_at } => Some(now.saturating_duration_since(heard_at)),
        }
    }
}

impl State {
    fn heard(&mut self) {
        if let Elsewhere::Edge { heard_at } = &mut self.elsewhere {
            *heard_at = Instant::now();
        }
    }
}
