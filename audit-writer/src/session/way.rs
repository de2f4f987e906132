//! One direction of a recording in the making.

use hoop_store::recording::Head;
use tokio::time::Instant;

use super::tail::Tail;

#[derive(Debug)]
pub(super) struct Way<T> {
    /// After the last packet that was taken in.
    pub(super) head: Head,
    /// The last packet that is committed.
    pub(super) committed: u64,
    /// The newest of those that are committed.
    pub(super) tail: Tail<T>,
    /// When the last packet came in.
    pub(super) last_arrival: Instant,
}

impl<T> Way<T> {
    /// A direction of which everything up to `head` is committed.
    pub(super) fn new(head: Head, now: Instant) -> Self {
        let committed = head.seq;
        Self { head, committed, tail: Tail::default(), last_arrival: now }
    }
}
