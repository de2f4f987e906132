//! The agents whose control streams are on this edge.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use futures_util::StreamExt;
use hoop_bus::Subject;
use hoop_domain::{AgentId, EndReason};
use hoop_proto as proto;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::edge::Shared;

/// One running agent's control stream.
#[derive(Debug, Clone)]
pub(crate) struct ControlStream {
    /// Tells control streams of one key apart.
    pub(crate) number: u64,
    pub(crate) hello: proto::AgentHello,
    pub(crate) orders: mpsc::Sender<proto::Down>,
    /// Ends the stream.
    pub(crate) close: CancellationToken,
}

impl ControlStream {
    /// Ends the stream, saying why if the agent reads at all.
    fn end(&self, reason: EndReason) {
        let frame = proto::down::Frame::SessionClosed(proto::SessionClosed::of(reason));
        let _ = self.orders.try_send(proto::Down { frame: Some(frame) });
        self.close.cancel();
    }
}

/// Control streams by the key that they hold. Several running agents may share one.
#[derive(Debug, Default)]
pub(crate) struct Agents {
    streams: Mutex<HashMap<AgentId, Vec<ControlStream>>>,
    counter: AtomicU64,
}

impl Agents {
    /// A number that no control stream of this edge has had.
    pub(crate) fn next_number(&self) -> u64 {
        self.counter.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn add(&self, agent: AgentId, stream: ControlStream) {
        self.streams().entry(agent).or_default().push(stream);
    }

    /// Returns whether this was the key's last stream on this edge.
    pub(crate) fn remove(&self, agent: AgentId, number: u64) -> bool {
        let mut streams = self.streams();
        let Some(of_key) = streams.get_mut(&agent) else { return true };
        of_key.retain(|stream| stream.number != number);
        let last = of_key.is_empty();
        if last {
            streams.remove(&agent);
        }
        last
    }

    /// Offers a session to an agent that holds this key here; the ones that share it take
    /// turns. Gives the offer back when there is none.
    pub(crate) fn offer(
        &self,
        agent: AgentId,
        open: Box<proto::SessionOpen>,
    ) -> Result<(), Box<proto::SessionOpen>> {
        let mut streams = self.streams();
        let Some(of_key) = streams.get_mut(&agent) else { return Err(open) };
        let mut order = proto::Down { frame: Some(proto::down::Frame::SessionOpen(*open)) };
        for _ in 0..of_key.len() {
            of_key.rotate_left(1);
            let Some(stream) = of_key.last() else { break };
            match stream.orders.try_send(order) {
                Ok(()) => return Ok(()),
                Err(refused) => order = refused.into_inner(),
            }
        }
        match order.frame {
            Some(proto::down::Frame::SessionOpen(open)) => Err(Box::new(open)),
            _ => Ok(()),
        }
    }

    /// What is here, for the report.
    pub(crate) fn present(&self) -> Vec<proto::AgentPresence> {
        let streams = self.streams();
        let present = |(agent, of_key): (&AgentId, &Vec<ControlStream>)| {
            of_key.last().map(|stream| presence(*agent, &stream.hello, false))
        };
        streams.iter().filter_map(present).collect()
    }

    /// How many control streams are here.
    pub(crate) fn count(&self) -> usize {
        self.streams().values().map(Vec::len).sum()
    }

    /// How many orders wait in the fullest control stream.
    pub(crate) fn most_orders(&self) -> usize {
        let waiting = |stream: &ControlStream| {
            stream.orders.max_capacity().saturating_sub(stream.orders.capacity())
        };
        self.streams().values().flatten().map(waiting).max().unwrap_or_default()
    }

    /// Ends every control stream, so that the agents go to another edge.
    pub(crate) fn close_all(&self) {
        for stream in self.streams().values().flatten() {
            stream.end(EndReason::Drained);
        }
    }

    /// Ends the control streams that hold this key.
    fn revoke(&self, agent: AgentId) {
        for stream in self.streams().get(&agent).into_iter().flatten() {
            stream.end(EndReason::AgentRevoked);
        }
    }

    fn streams(&self) -> MutexGuard<'_, HashMap<AgentId, Vec<ControlStream>>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn presence(
    agent: AgentId,
    hello: &proto::AgentHello,
    gone: bool,
) -> proto::AgentPresence {
    proto::AgentPresence {
        agent: bytes::Bytes::copy_from_slice(agent.as_bytes()),
        version: hello.version.clone(),
        hostname: hello.hostname.clone(),
        platform: hello.platform.clone(),
        gone,
    }
}

impl Shared {
    /// Cuts off agents whose keys are revoked, and the sessions whose clients are here. The
    /// agent is not asked: a key is revoked because it may be in the wrong hands.
    pub(crate) async fn serve_revocations(self: Arc<Self>) {
        let Ok(mut revocations) = self.bus.revocations().await else { return };
        while let Some(message) = revocations.next().await {
            let Ok(Subject::AgentRevoked { agent }) = message.subject.parse() else { continue };
            tracing::info!(%agent, "an agent's key was revoked");
            // The sessions first: the agent drops its ends when it hears of it, and the reason
            // must not be that it was lost.
            for held in self.held().iter().filter(|held| held.client_of() == Some(agent)) {
                held.session.end(EndReason::AgentRevoked);
            }
            self.agents.revoke(agent);
            self.known_keys.forget(agent);
        }
    }
}
