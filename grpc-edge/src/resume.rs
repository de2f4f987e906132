//! An end of a session comes back after its stream broke, to this edge or from another one.
//!
//! `api` is not asked: the token proves whose end it is, and leave was given when the session
//! was opened. A session that was ended meanwhile is found with the first report.

use std::{sync::Arc, time::Duration};

use hoop_domain::{AgentId, DenialCode, Direction, EndReason, SessionId, time};
use hoop_proto as proto;
use hoop_runtime::span;
use prost::Message;
use tracing::Instrument;

use crate::{
    edge::{Held, Shared},
    link, metrics,
    session::{Events, Inlet, Received, Session, Sitting, TokenDigest, outlet},
};

/// An end that goes on here.
pub(crate) struct ResumedEnd {
    pub(crate) place: Place,
    pub(crate) events: Events,
}

/// The place of an end, taken from the start: who comes next takes it from whoever has it.
/// Whatever becomes of the stream that asked for it, the place is kept.
pub(crate) struct Place {
    shared: Arc<Shared>,
    seat: Option<(Inlet, Sitting)>,
    lost: EndReason,
}

impl Place {
    fn new(shared: Arc<Shared>, inlet: Inlet, lost: EndReason) -> Self {
        let sitting = inlet.session().sit(inlet.direction());
        Self { shared, seat: Some((inlet, sitting)), lost }
    }

    /// How many payloads of the end are recorded, or will be.
    pub(crate) fn payloads(&self) -> u64 {
        self.seat.as_ref().map_or(0, |(inlet, _)| inlet.taken())
    }

    /// Sits there. What it means when nobody does any more is told, too.
    pub(crate) fn take(mut self) -> Option<(Inlet, Sitting, EndReason)> {
        self.seat.take().map(|(inlet, sitting)| (inlet, sitting, self.lost))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some((inlet, sitting)) = self.seat.take() {
            tokio::spawn(link::keep(self.shared.clone(), inlet, sitting, self.lost));
        }
    }
}

fn denied(sentence: &str) -> proto::Denial {
    proto::Denial::with(DenialCode::Malformed, sentence)
}

impl Shared {
    /// For how long an end may be away, in seconds.
    pub(crate) fn resume_seconds(&self) -> u32 {
        u32::try_from(self.resume_grace.as_secs()).unwrap_or(u32::MAX)
    }

    /// Lets the end that `hello` proves to be go on here. Not to be dropped half-way.
    pub(crate) async fn resume(
        self: Arc<Self>,
        hello: proto::ResumeHello,
    ) -> Result<ResumedEnd, proto::Denial> {
        let id = SessionId::try_from(hello.session.as_ref())
            .map_err(|_| proto::Denial::of(DenialCode::Malformed))?;
        let resuming = span!("resume", session = %id);
        let resumed = self.resume_session(id, hello).instrument(resuming).await;
        if let Err(denial) = &resumed {
            metrics::edge().not_resumed(denial.reason());
        }
        resumed
    }

    async fn resume_session(
        self: Arc<Self>,
        id: SessionId,
        hello: proto::ResumeHello,
    ) -> Result<ResumedEnd, proto::Denial> {
        if self.drain.has_begun() {
            return Err(proto::Denial::of(DenialCode::Draining));
        }
        let start = self.session_start(id).await?;
        let (direction, lost) = whose(&hello.token, &start)?;
        let session = self.taken_up(id, &start).await?;
        let _one_at_a_time = session.resuming.lock().await;
        let taken = session.take_over(direction, &self.id).await;
        let inlet = taken.inspect_err(|_| session.leave_if_empty())?;
        let place = Place::new(self.clone(), inlet, lost);
        if direction == Direction::In {
            self.hold_client(id, &start);
        }
        let (outlet, events) = outlet();
        let received = Received { seq: hello.received_seq, payloads: hello.received_payloads };
        if let Err(denial) = session.go_on(direction.reverse(), received, outlet).await {
            // What it has missed can't be had any more, so it can't go on anywhere; unless
            // that can only not be found out now.
            if denial.reason() == DenialCode::Malformed
                && let Some((inlet, ..)) = place.take()
            {
                inlet.finish(EndReason::EdgeLost).await;
            }
            return Err(denial);
        }
        metrics::edge().resumed(direction);
        tracing::info!(session = %id, direction = direction.as_str(), "an end goes on here");
        Ok(ResumedEnd { place, events })
    }

    /// The session's first packet, which stays in the stream until its recording is finished.
    async fn session_start(&self, id: SessionId) -> Result<proto::SessionStart, proto::Denial> {
        let oldest = self.bus.oldest(id, Direction::In).await.map_err(|cause| {
            tracing::warn!(%cause, session = %id, "a session can't be resumed now");
            proto::Denial::of(DenialCode::RecordingUnavailable)
        })?;
        let packet = oldest.and_then(|oldest| proto::Packet::decode(oldest.encoded).ok());
        match packet.and_then(|packet| packet.body) {
            Some(proto::v1::packet::Body::SessionStart(start)) => Ok(start),
            _ => Err(denied("the session is over")),
        }
    }

    /// The session as this edge holds it; from now on, if it did not.
    async fn taken_up(
        self: &Arc<Self>,
        id: SessionId,
        start: &proto::SessionStart,
    ) -> Result<Arc<Session>, proto::Denial> {
        if let Some(session) = self.session(id) {
            return Ok(session);
        }
        let session = Arc::new(Session::new(id, self.bus.clone()));
        let subscriptions = session
            .subscribe()
            .await
            .map_err(|_| proto::Denial::of(DenialCode::RecordingUnavailable))?;
        session.set_level(start.audit_level());
        session.taken_up();
        let held = Held::new(session, None, not_after(start), Duration::ZERO);
        Ok(self.hold_or_join(held, subscriptions))
    }

    /// The client's end is here now, and so is what its edge has to do.
    fn hold_client(&self, id: SessionId, start: &proto::SessionStart) {
        let Ok(agent) = AgentId::try_from(start.agent.as_ref()) else { return };
        let idle = Duration::from_secs(start.idle_timeout_seconds.into());
        self.change(id, |held| {
            *held = Held::new(held.session.clone(), Some(agent), not_after(start), idle);
        });
        self.changed.notify_one();
    }
}

fn not_after(start: &proto::SessionStart) -> Option<chrono::DateTime<chrono::Utc>> {
    (start.not_after != 0).then(|| time::from_micros(start.not_after))
}

/// Whose token it is: which direction its end sends, and what its loss is called.
fn whose(
    token: &[u8],
    start: &proto::SessionStart,
) -> Result<(Direction, EndReason), proto::Denial> {
    let digest = TokenDigest::of(token);
    if digest.is(&start.client_token_digest) {
        Ok((Direction::In, EndReason::ClientLost))
    } else if digest.is(&start.agent_token_digest) {
        Ok((Direction::Out, EndReason::AgentLost))
    } else {
        Err(denied("the session can't be resumed with this token"))
    }
}
