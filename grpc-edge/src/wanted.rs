//! Embedded agents: they hold no stream while nobody wants them. A client that waits for
//! one makes it wanted on every edge, and whichever edge it asks next tells it to come.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::StreamExt;
use hoop_bus::Subject;
use hoop_domain::AgentId;
use hoop_proto as proto;
use prost::Message;

use crate::edge::Shared;

/// How long an agent is wanted after a client said so: clients say it again every second,
/// and agents ask every few seconds.
const WANTED_FOR: Duration = Duration::from_secs(15);

/// More agents than one gateway has.
pub(crate) const MOST: usize = 100_000;

/// The agents that clients wait for, on whatever edge.
#[derive(Debug, Default)]
pub(crate) struct Wanted(Mutex<HashMap<AgentId, Instant>>);

impl Wanted {
    pub(crate) fn want(&self, agent: AgentId, now: Instant) {
        let mut wanted = self.wanted();
        if wanted.len() >= MOST {
            wanted.retain(|_, since| now.saturating_duration_since(*since) < WANTED_FOR);
        }
        if wanted.len() < MOST {
            wanted.insert(agent, now);
        }
    }

    pub(crate) fn is_wanted(&self, agent: AgentId, now: Instant) -> bool {
        let mut wanted = self.wanted();
        let Some(since) = wanted.get(&agent) else { return false };
        let still = now.saturating_duration_since(*since) < WANTED_FOR;
        if !still {
            wanted.remove(&agent);
        }
        still
    }

    /// How many are remembered.
    pub(crate) fn count(&self) -> usize {
        self.wanted().len()
    }

    fn wanted(&self) -> MutexGuard<'_, HashMap<AgentId, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// A client here waits for `agent`.
    pub(crate) async fn want(&self, agent: AgentId) {
        // What this connection publishes does not come back to it.
        self.wanted.want(agent, Instant::now());
        let wanted = proto::AgentWanted { agent: Bytes::copy_from_slice(agent.as_bytes()) };
        if let Err(cause) = self.bus.publish(&Subject::EdgesWanted, &wanted).await {
            tracing::warn!(%cause, %agent, "the other edges were not told of a wanted agent");
        }
    }

    /// Remembers which agents clients on other edges wait for.
    pub(crate) async fn serve_wanted(self: Arc<Self>) {
        let Ok(mut messages) = self.bus.listen(&Subject::EdgesWanted).await else { return };
        while let Some(message) = messages.next().await {
            let wanted = proto::AgentWanted::decode(message.payload).unwrap_or_default();
            if let Ok(agent) = AgentId::try_from(wanted.agent.as_ref()) {
                self.wanted.want(agent, Instant::now());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_wanted_for_a_while_after_a_client_said_so() {
        let (wanted, agent, begin) = (Wanted::default(), AgentId::generate(), Instant::now());
        assert!(!wanted.is_wanted(agent, begin));
        wanted.want(agent, begin);
        assert!(wanted.is_wanted(agent, begin + Duration::from_secs(14)));
        assert!(!wanted.is_wanted(AgentId::generate(), begin));
        assert!(!wanted.is_wanted(agent, begin + WANTED_FOR));
        assert!(wanted.wanted().is_empty());
    }
}
