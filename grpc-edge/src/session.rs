//! A session as one edge holds it: two lanes, at most two ends, one end of life.
//!
//! ```text
//!  client end ──▶ Inlet(in) ──▶ lane in  ──▶ outlet ──▶ agent end
//!             ◀── outlet    ◀── lane out ◀── Inlet(out) ◀──
//! ```
//!
//! A lane's packets are published here or by the other edge. Either way a packet leaves
//! through the outlet, in order, when its receipt is in, and never before (invariant 2).
//! Nothing here is all that there is of anything: what another edge needs to go on with an
//! end is in the stream (invariant 1), and `takeover` is how it does.

use std::{
    pin::pin,
    sync::{Mutex, MutexGuard, PoisonError, atomic::AtomicBool},
    time::Instant,
};

use hoop_bus::Bus;
use hoop_domain::{Both, Direction, EndReason, SessionId};
use hoop_proto as proto;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

mod admission;
mod credit;
mod driver;
mod head;
mod inlet;
mod lane;
mod leaving;
mod look;
mod news;
mod outlet;
mod seat;
mod takeover;
#[cfg(test)]
mod tests;

use admission::Admission;
pub(crate) use admission::{JoinsFrom, Token, TokenDigest};
pub(crate) use credit::MOST_CHANNELS;
pub(crate) use driver::Subscriptions;
use head::Head;
pub use inlet::{Ended, Inlet};
use lane::Lane;
pub(crate) use outlet::MOST_UNPAID;
pub use outlet::{Event, Events, LocalCredit, Outlet, outlet};
use seat::Seat;
pub(crate) use seat::Sitting;
pub(crate) use takeover::Received;

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
    /// Something became of a packet in flight.
    news: Both<Notify>,
    /// Whether the stream is being looked at.
    looking: Both<AtomicBool>,
    /// One end at a time is taken over.
    pub(crate) resuming: tokio::sync::Mutex<()>,
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
    /// Who sits at the end that sends `in`, and `out`.
    seats: Both<Option<Seat>>,
    level: proto::AuditLevel,
    end: Option<proto::SessionClosed>,
    /// Whether an end has said so itself, so that the other one has to hear of it.
    ended_in_band: bool,
    /// Both ends that were here are at other edges now.
    left: bool,
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
            seats: Both::default(),
            level: proto::AuditLevel::default(),
            end: None,
            ended_in_band: false,
            left: false,
        };
        Self {
            id,
            bus,
            begun_at: Instant::now(),
            state: Mutex::new(state),
            news: Both::default(),
            looking: Both::default(),
            resuming: tokio::sync::Mutex::default(),
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

    /// Whether a packet of `direction` that was published here has no receipt yet.
    fn in_flight(&self, direction: Direction) -> bool {
        self.state().lane(direction).in_flight()
    }

    /// Waits until nothing of `direction` that was published here is without its receipt.
    pub(crate) async fn landed(&self, direction: Direction) {
        loop {
            let mut news = pin!(self.news.get(direction).notified());
            news.as_mut().enable();
            if !self.in_flight(direction) {
                return;
            }
            news.await;
        }
    }

    /// Gives the packets that travel in `direction` to an endpoint of this edge.
    pub fn set_outlet(&self, direction: Direction, outlet: Outlet) {
        self.state().lane(direction).set_outlet(Some(outlet));
    }

    /// What has to be true of a packet before it leaves.
    pub(crate) fn set_level(&self, level: proto::AuditLevel) {
        let mut state = self.state();
        state.level = level;
        state.inward.set_level(level);
        state.outward.set_level(level);
    }

    /// This edge joined a session whose client is elsewhere, after packet `in_seq` in.
    pub fn joined(&self, in_seq: u64) {
        let mut state = self.state();
        state.elsewhere = Elsewhere::Edge { heard_at: Instant::now() };
        let head = Head { seq: in_seq, ..Head::start(self.id, Direction::In) };
        state.inward.begin_after(&head);
    }

    /// This edge takes over an end of a session of which it holds nothing; the other one may
    /// be anywhere.
    pub(crate) fn taken_up(&self) {
        self.state().elsewhere = Elsewhere::Edge { heard_at: Instant::now() };
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
        if state.inward.complete() || state.left { None } else { state.end.clone() }
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

    /// Waits until nothing is left to do.
    async fn done(&self) {
        self.done.cancelled().await;
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
