//! One recording in the making: packets in, decisions out. No I/O and no clock in here.
//!
//! ```text
//! feed ──▶ open piece ──cut──▶ in flight ──committed──▶ acknowledged
//! ```
//!
//! A packet is acknowledged only when the step that holds it is committed. The first packet
//! `in` and the [newest of each direction](Retention) stay in the stream for longer: there an
//! edge that takes the session over finds what it needs. A ticket `T` is what acknowledges
//! one delivery of a packet.

mod due;
mod feed;
mod piece;
mod tail;
#[cfg(test)]
mod tests;
mod way;

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use hoop_domain::{Both, OrgId, SessionId, manifest::Flaw};
use hoop_store::recording::{End, Head, Progress, Write};
use tokio::time::Instant;

pub use due::{Due, Limits};
pub use feed::{Fed, Known};
pub use piece::PieceInfo;
pub use tail::{Retention, Ticket};

use piece::Piece;
use way::Way;

/// A recording that is not finished.
#[derive(Debug)]
pub struct Session<T> {
    id: SessionId,
    org: Option<OrgId>,
    begun_at: Option<DateTime<Utc>>,
    ended_at: DateTime<Utc>,
    ways: Both<Way<T>>,
    /// `session_start`, when it is committed: it stays in the stream until the end.
    first: Option<T>,
    open: Piece<T>,
    in_flight: VecDeque<InFlight<T>>,
    flaws: Vec<Flaw>,
    /// How the command ended, until a step has it.
    exit_code: Option<i32>,
    next_segment: u32,
    /// Whether the store knows, or is being told, that the recording exists.
    announced: bool,
    /// Whether the edge waits for the disk before it lets packets out.
    synced: bool,
    finishing: bool,
    /// What the session's row says, when it says that the session is over.
    closed: Option<End>,
    last_arrival: Instant,
}

/// A step that was handed over and is not committed yet.
#[derive(Debug)]
struct InFlight<T> {
    tickets: Vec<piece::Held<T>>,
    /// The last packet of each direction when it is committed.
    seqs: Both<u64>,
}

/// A step, ready to be stored when the piece of the spool that it names is packed.
#[derive(Debug)]
pub struct Step {
    /// What to store; the segment is still missing.
    pub write: Write,
    /// The piece, where there is one.
    pub piece: Option<PieceInfo>,
}

impl<T> Session<T> {
    /// A recording that the store does not know yet.
    #[must_use]
    pub fn new(id: SessionId, now: Instant) -> Self {
        Self {
            id,
            org: None,
            begun_at: None,
            ended_at: DateTime::UNIX_EPOCH,
            ways: Both::from_fn(|direction| Way::new(Head::start(id, direction), now)),
            first: None,
            open: Piece::default(),
            in_flight: VecDeque::new(),
            flaws: Vec::new(),
            exit_code: None,
            next_segment: 0,
            announced: false,
            synced: false,
            finishing: false,
            closed: None,
            last_arrival: now,
        }
    }

    /// A recording that another writer, or this one before, has begun.
    #[must_use]
    pub fn resumed(progress: &Progress, now: Instant) -> Self {
        Self {
            org: Some(progress.org),
            begun_at: Some(progress.begun_at),
            ended_at: progress.ended_at,
            ways: progress.heads.map(|head| Way::new(head.clone(), now)),
            next_segment: progress.segments,
            announced: true,
            ..Self::new(progress.session, now)
        }
    }

    /// The session.
    #[must_use]
    pub const fn id(&self) -> SessionId {
        self.id
    }

    /// The last packet of each direction that was taken in.
    #[must_use]
    pub fn seqs(&self) -> Both<u64> {
        self.ways.map(|way| way.head.seq)
    }

    /// The last packet of each direction that is committed.
    #[must_use]
    pub fn committed_seqs(&self) -> Both<u64> {
        self.ways.map(|way| way.committed)
    }

    /// Whether the edge waits for the disk before it lets packets out.
    #[must_use]
    pub const fn synced(&self) -> bool {
        self.synced
    }

    /// The session's row says that it is over.
    pub fn close(&mut self, end: End) {
        self.closed = Some(end);
    }

    /// Whether only the session's row can tell that it is over.
    #[must_use]
    pub const fn may_be_abandoned(&self) -> bool {
        self.closed.is_none() && !self.finishing
    }

    /// Takes the step that is due. Its commit is told to [`Self::committed`], in this order.
    pub fn cut(&mut self, due: Due) -> Step {
        let begun_at = self.begun_at.unwrap_or(self.ended_at);
        let begins_only = matches!(due, Due::Begin);
        let (heads, open) = if begins_only {
            (Both::from_fn(|direction| Head::start(self.id, direction)), Piece::default())
        } else {
            (self.ways.map(|way| way.head.clone()), std::mem::take(&mut self.open))
        };
        let piece = open.info(self.next_segment);
        self.next_segment += u32::from(piece.is_some());
        self.announced = true;
        let finish = match due {
            Due::Finish(end) => Some(end),
            Due::Begin | Due::Store => None,
        };
        self.finishing |= finish.is_some();
        let flaws = if begins_only { Vec::new() } else { std::mem::take(&mut self.flaws) };
        let exit_code = if begins_only { None } else { self.exit_code.take() };
        let seqs = heads.map(|head| head.seq);
        self.in_flight.push_back(InFlight { tickets: open.into_tickets(), seqs });
        let ended_at = if begins_only { begun_at } else { self.ended_at };
        let (session, org) = (self.id, self.org);
        let write = Write {
            session,
            org,
            begun_at,
            ended_at,
            heads,
            segment: None,
            flaws,
            exit_code,
            finish,
        };
        Step { write, piece }
    }

    /// How many packets, and bytes, of it stay in the stream although they are stored.
    #[must_use]
    pub fn kept(&self) -> (usize, u64) {
        let Both { inward, outward } = &self.ways;
        let packets = inward.tail.packets() + outward.tail.packets();
        (packets, inward.tail.bytes() + outward.tail.bytes())
    }

    /// What need not stay in the stream any more at `now`, to be acknowledged.
    pub fn release(&mut self, now: Instant, retention: &Retention) -> impl Iterator<Item = T> {
        let Both { inward, outward } = &mut self.ways;
        let inward = std::iter::from_fn(move || inward.tail.release(now, retention));
        inward.chain(std::iter::from_fn(move || outward.tail.release(now, retention)))
    }
}

impl<T: Ticket> Session<T> {
    /// The oldest step in flight is committed. Returns what to acknowledge; that is
    /// everything when it was the last step.
    pub fn committed(&mut self, now: Instant, retention: &Retention) -> Vec<T> {
        let Some(step) = self.in_flight.pop_front() else { return Vec::new() };
        let last = self.finishing && self.in_flight.is_empty();
        let mut acks = Vec::new();
        for held in step.tickets {
            acks.extend(self.keep(held, now));
        }
        for direction in hoop_domain::Direction::BOTH {
            let way = self.ways.get_mut(direction);
            way.committed = way.committed.max(*step.seqs.get(direction));
            if last {
                acks.extend(std::iter::from_fn(|| way.tail.pop()));
            }
        }
        if last {
            acks.extend(self.first.take());
        } else {
            acks.extend(self.release(now, retention));
        }
        acks
    }
}
