//! What stays in the stream although it is stored. An edge that takes the session over finds
//! there what the next packet has to follow, and what an end may not have received.
//!
//! Of each direction these are the newest packets, as far as they are neither too many nor
//! too old; the newest one always. A ticket is small, and there is a bound to how many are kept.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use super::piece::Held;

/// What acknowledges one delivery of a message.
pub trait Ticket {
    /// The stream's number of the message: two deliveries of one message have the same.
    fn message(&self) -> u64;
}

/// How much of a direction stays in the stream.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// So many bytes: a window, and what may be under way beside it.
    pub bytes: u64,
    /// So many packets. A window has 4,096 at most, as each costs 256 beside its length.
    pub packets: usize,
    /// For so long after they were stored: an end that is away for longer is given up.
    pub age: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        Self { bytes: 1536 * 1024, packets: 8192, age: Duration::from_secs(60) }
    }
}

/// The newest packets of a direction that are stored.
#[derive(Debug)]
pub(super) struct Tail<T> {
    kept: VecDeque<Kept<T>>,
    bytes: u64,
}

#[derive(Debug)]
struct Kept<T> {
    seq: u64,
    length: u32,
    since: Instant,
    ticket: T,
}

impl<T> Default for Tail<T> {
    fn default() -> Self {
        Self { kept: VecDeque::new(), bytes: 0 }
    }
}

impl<T> Tail<T> {
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn packets(&self) -> usize {
        self.kept.len()
    }

    /// When the oldest is to go.
    pub(super) fn expires_at(&self, retention: &Retention) -> Option<Instant> {
        let oldest = self.kept.front().filter(|_| 1 < self.kept.len())?;
        Some(oldest.since + retention.age)
    }

    /// The oldest, when it is to go.
    pub(super) fn release(&mut self, now: Instant, retention: &Retention) -> Option<T> {
        let oldest = self.kept.front().filter(|_| 1 < self.kept.len())?;
        let many = retention.bytes < self.bytes || retention.packets < self.kept.len();
        if many || oldest.since + retention.age <= now { self.pop() } else { None }
    }

    /// The oldest.
    pub(super) fn pop(&mut self) -> Option<T> {
        let Kept { length, ticket, .. } = self.kept.pop_front()?;
        self.bytes -= u64::from(length);
        Some(ticket)
    }
}

impl<T: Ticket> Tail<T> {
    /// Keeps a packet that is stored. Returns what need not be kept for it: the same packet
    /// as another message.
    pub(super) fn keep(&mut self, held: Held<T>, now: Instant) -> Option<T> {
        let Held { seq, length, ticket, .. } = held;
        // They come in order, unless an acknowledgement was lost.
        let at = self.kept.partition_point(|kept| kept.seq < seq);
        if let Some(kept) = self.kept.get_mut(at).filter(|kept| kept.seq == seq) {
            return newer(&mut kept.ticket, ticket);
        }
        self.bytes += u64::from(length);
        self.kept.insert(at, Kept { seq, length, since: now, ticket });
        None
    }
}

/// Holds the later of two messages, or the later delivery of one. Returns the other message.
pub(super) fn newer<T: Ticket>(held: &mut T, mut other: T) -> Option<T> {
    let (there, here) = (held.message(), other.message());
    if there <= here {
        std::mem::swap(held, &mut other);
    }
    (there != here).then_some(other)
}
