//! Which sessions are over for those in them, until `api` has taken it down: their places
//! are free from then on, however long it is until their recordings are finished.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use hoop_domain::SessionId;
use hoop_proto as proto;
use tokio::sync::Notify;

use crate::{control, edge::Shared};

/// As many as an edge is built to hold at work. Places of what is beyond that are free when
/// the recordings are finished.
pub(crate) const MOST: usize = 10_000;

/// In one report, which has to stay below the broker's limit of 1 MiB for a message.
const AT_ONCE: usize = 1_000;

/// How long to wait when `api` can't be told.
const PAUSE: Duration = Duration::from_secs(2);

/// The ends that `api` does not know yet.
#[derive(Debug, Default)]
pub(crate) struct OverSessions {
    pending: Mutex<HashSet<SessionId>>,
    noted: Notify,
}

impl OverSessions {
    /// The session is over.
    pub(crate) fn note(&self, session: SessionId) {
        let mut pending = self.pending();
        if pending.len() < MOST {
            pending.insert(session);
        }
        drop(pending);
        self.noted.notify_one();
    }

    /// How many wait.
    pub(crate) fn count(&self) -> usize {
        self.pending().len()
    }

    fn next(&self) -> Vec<SessionId> {
        self.pending().iter().take(AT_ONCE).copied().collect()
    }

    fn told(&self, known: &[SessionId]) {
        let mut pending = self.pending();
        for session in known {
            pending.remove(session);
        }
    }

    fn pending(&self) -> MutexGuard<'_, HashSet<SessionId>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// Tells `api` at once, and one report of all that ended while the one before was on its
    /// way, until the process ends.
    pub(crate) async fn tell_over(self: Arc<Self>) {
        loop {
            let next = self.over.next();
            if next.is_empty() {
                self.over.noted.notified().await;
                continue;
            }
            let over = next.iter().map(|id| Bytes::copy_from_slice(id.as_bytes())).collect();
            let report =
                proto::EdgeReport { edge: self.id.clone(), over, ..proto::EdgeReport::default() };
            match control::report(&self.bus, &report).await {
                Ok(_) => self.over.told(&next),
                // What went wrong has been logged.
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_told_until_it_is_known_and_the_memory_for_it_is_bounded() {
        let over = OverSessions::default();
        for _ in 0..MOST + 10 {
            over.note(SessionId::generate());
        }
        assert_eq!(over.pending().len(), MOST);
        let first = over.next();
        assert_eq!(first.len(), AT_ONCE);
        over.told(&first);
        assert_eq!(over.pending().len(), MOST - AT_ONCE);
        assert!(first.iter().all(|told| !over.pending().contains(told)));
    }
}
