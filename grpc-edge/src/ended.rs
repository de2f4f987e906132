//! How sessions ended whose recording can't say so, until `api` has taken it down.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use hoop_domain::SessionId;
use hoop_proto as proto;

/// As many as an edge is built to hold at work. What is beyond that, `api` finds out by
/// itself: it calls them `edge_lost` when nobody has reported them for a minute.
pub(crate) const MOST: usize = 10_000;

/// In one report, which has to stay below the broker's limit of 1 MiB for a message.
const AT_ONCE: usize = 250;

/// What is kept of a sentence. Ours are shorter; some are an agent's.
const LONGEST_SENTENCE: usize = 500;

/// The ends that `api` does not know yet.
#[derive(Debug, Default)]
pub(crate) struct EndedSessions(Mutex<HashMap<SessionId, proto::SessionEnded>>);

impl EndedSessions {
    pub(crate) fn note(&self, session: SessionId, closed: &proto::SessionClosed) {
        let mut ended = self.ended();
        if ended.len() >= MOST {
            tracing::warn!(%session, code = %closed.code, "api can't be told how a session ended");
            return;
        }
        let told = proto::SessionEnded {
            session: Bytes::copy_from_slice(session.as_bytes()),
            code: closed.reason().as_str().into(),
            message: closed.message.chars().take(LONGEST_SENTENCE).collect(),
        };
        ended.entry(session).or_insert(told);
    }

    /// How many wait.
    pub(crate) fn count(&self) -> usize {
        self.ended().len()
    }

    /// What to tell next.
    pub(crate) fn next(&self) -> Vec<proto::SessionEnded> {
        self.ended().values().take(AT_ONCE).cloned().collect()
    }

    /// `api` knows these. Returns whether there are more.
    pub(crate) fn told(&self, known: &[proto::SessionEnded]) -> bool {
        let mut ended = self.ended();
        for known in known {
            if let Ok(session) = SessionId::try_from(known.session.as_ref()) {
                ended.remove(&session);
            }
        }
        !ended.is_empty()
    }

    fn ended(&self) -> MutexGuard<'_, HashMap<SessionId, proto::SessionEnded>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use hoop_domain::EndReason;

    use super::*;

    #[test]
    fn an_end_is_told_until_it_is_known_and_then_no_more() {
        let ended = EndedSessions::default();
        let closed = proto::SessionClosed::of(EndReason::RecordingUnavailable);
        for _ in 0..300 {
            ended.note(SessionId::generate(), &closed);
        }
        let first = ended.next();
        assert_eq!(first.len(), AT_ONCE);
        assert_eq!(first.first().map(|end| end.code.as_str()), Some("recording_unavailable"));
        assert_eq!(ended.next(), first);
        assert!(ended.told(&first));
        let rest = ended.next();
        assert_eq!(rest.len(), 300 - AT_ONCE);
        assert!(!ended.told(&rest));
        assert!(ended.next().is_empty());
    }

    #[test]
    fn a_broker_that_is_away_for_long_costs_bounded_memory() {
        let ended = EndedSessions::default();
        let message = "x".repeat(1_000_000);
        let closed = proto::SessionClosed { code: "killed".into(), message };
        for _ in 0..MOST + 10 {
            ended.note(SessionId::generate(), &closed);
        }
        assert_eq!(ended.ended().len(), MOST);
        assert!(ended.ended().values().all(|end| end.message.len() <= LONGEST_SENTENCE));
    }
}
