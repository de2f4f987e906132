//! An agent's streams: its control stream, and one for each session.

use std::sync::Arc;

use futures_util::StreamExt;
use hoop_bus::{Question, Subject};
use hoop_domain::{AgentId, EndReason, SessionId};
use hoop_proto::{self as proto, down, packet, up};
use hoop_runtime::{span, trace};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};
use tracing::{Instrument, field::Empty};

use super::{
    Arrival, DownStream, SILENCE_LIMIT, agent_of,
    endpoint::{self, Comes},
    status_of,
};
use crate::{
    agents::{ControlStream, presence},
    control,
    edge::Shared,
};

/// Orders that wait in one control stream. More at once means that the agent does not read.
pub(crate) const MOST_ORDERS: usize = 1024;

/// The agent joins a session that it was told of on its control stream.
pub(super) async fn attach(
    shared: &Arc<Shared>,
    arrival: Arrival,
    hello: proto::AttachHello,
) -> Result<DownStream, Status> {
    let span = span!("attach agent", session = Empty);
    trace::follow(&span, arrival.traceparent());
    if let Ok(id) = SessionId::try_from(hello.session.as_ref()) {
        span.record("session", id.to_string());
    }
    let attached = shared.attach(&hello).instrument(span).await;
    let end = attached.map_err(|denial| status_of(&denial))?;
    let gone = CancellationToken::new();
    let guard = gone.clone().drop_guard();
    let attached =
        proto::Attached { window: packet::WINDOW, resume_seconds: shared.resume_seconds() };
    let shared = shared.clone();
    let (lost, sitting) = (EndReason::AgentLost, end.inlet.session().sit(end.inlet.direction()));
    let seat = (end.inlet, sitting);
    tokio::spawn(endpoint::feed(shared, seat, arrival.frames, gone, lost, Comes::First));
    let first = proto::Down { frame: Some(down::Frame::Attached(attached)) };
    Ok(DownStream::session(first, end.events, guard))
}

/// The agent's control stream.
pub(super) async fn control(
    shared: &Arc<Shared>,
    arrival: Arrival,
    hello: proto::AgentHello,
) -> Result<DownStream, Status> {
    if shared.drain.has_begun() {
        return Err(Status::unavailable("this gateway node is shutting down"));
    }
    let request = agent_of(shared, &arrival.metadata, arrival.address()).await?;
    let (agent, identity) =
        control::agent(&shared.bus, &request).await.map_err(|denial| status_of(&denial))?;
    let broker = |cause| {
        tracing::error!(%cause, "an agent was refused: the broker is gone");
        Status::unavailable("the gateway's broker can't be reached")
    };
    let offers = Subject::AgentControl { agent };
    let offers = shared.bus.serve(&offers, "agents").await.map_err(broker)?;

    let (orders, queue) = mpsc::channel(MOST_ORDERS);
    let close = CancellationToken::new();
    let number = shared.agents.next_number();
    let stream = ControlStream { number, hello, orders, close: close.clone() };
    shared.agents.add(agent, stream.clone());
    shared.changed.notify_one();
    crate::metrics::edge().agent_connects.inc();
    tracing::info!(agent = %identity.name, %number, "agent connected");

    let gone = CancellationToken::new();
    let guard = gone.clone().drop_guard();
    let (shared, name) = (shared.clone(), identity.name.clone());
    tokio::spawn(async move {
        let control = Control { shared: shared.clone(), agent, stream, gone };
        let why = control.run(arrival.frames, offers).await;
        tracing::info!(agent = %name, %number, why, "agent disconnected");
        if shared.agents.remove(agent, number) {
            let gone = presence(agent, &control.stream.hello, true);
            shared.report_once(vec![gone]).await;
        }
    });
    let welcome = proto::AgentWelcome { agent_name: identity.name, telemetry: identity.telemetry };
    let first = proto::Down { frame: Some(down::Frame::AgentWelcome(welcome)) };
    Ok(DownStream::orders(first, queue, guard))
}

struct Control {
    shared: Arc<Shared>,
    agent: AgentId,
    stream: ControlStream,
    gone: CancellationToken,
}

impl Control {
    /// Runs until the stream ends; says why it did.
    async fn run(
        &self,
        mut frames: Streaming<proto::Up>,
        mut offers: impl futures_util::Stream<Item = Question> + Unpin,
    ) -> &'static str {
        loop {
            tokio::select! {
                frame = tokio::time::timeout(SILENCE_LIMIT, frames.message()) => match frame {
                    Ok(Ok(Some(up))) => if !self.hear(up) {
                        return "it sent a frame that has no place on a control stream";
                    },
                    Ok(Ok(None)) => return "it hung up",
                    Ok(Err(_)) => return "its connection broke",
                    Err(_) => return "it was silent for 45 s",
                },
                Some(question) = offers.next() => self.offer(question).await,
                () = self.stream.close.cancelled() => return "this edge has closed it",
                () = self.gone.cancelled() => return "its connection closed",
            }
        }
    }

    fn hear(&self, up: proto::Up) -> bool {
        match up.frame {
            Some(up::Frame::KeepAlive(_)) => true,
            Some(up::Frame::OpenRefused(refusal)) => {
                self.refused(refusal);
                true
            }
            _ => false,
        }
    }

    /// The agent does not take a session: its client is here or on another edge.
    fn refused(&self, refusal: proto::OpenRefused) {
        let Ok(id) = SessionId::try_from(refusal.session.as_ref()) else { return };
        if let Some(session) = self.shared.session(id) {
            session.refused_by_agent(&refusal);
            return;
        }
        let bus = self.shared.bus.clone();
        tokio::spawn(async move {
            let closed = proto::SessionClosed { code: refusal.code, message: refusal.message };
            let frame =
                proto::RelayFrame { frame: Some(proto::relay_frame::Frame::Closed(closed)) };
            let direction = hoop_domain::Direction::Out;
            let _ = bus.publish(&Subject::Relay { session: id, direction }, &frame).await;
        });
    }

    async fn offer(&self, question: Question) {
        let refusal = match question.decode::<proto::AgentControl>().map(|control| control.open) {
            Ok(Some(open)) => match self.shared.agents.offer(self.agent, Box::new(open)) {
                Ok(()) => String::new(),
                Err(_) => "the agent does not read its control stream".into(),
            },
            Ok(None) | Err(_) => "the offer can't be read".into(),
        };
        question.answer(&proto::AgentControlReply { refusal }).await;
    }
}
