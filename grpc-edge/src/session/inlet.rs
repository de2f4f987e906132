//! Where packets enter: numbered, chained, published.

use std::sync::Arc;

use bytes::Bytes;
use hoop_bus::packets::{PacketSender, Publisher};
use hoop_domain::{Chain, Direction, EndReason, time};
use hoop_proto::{self as proto, packet};
use hoop_runtime::step;

use super::{Head, Session, lane::Packet};
use crate::metrics;

/// The one way into a direction of a session. Whoever holds it is its only sender here, so
/// numbers and chain need no lock. One packet is on its way to the broker at a time, so each
/// can say which one it follows, and an edge that was overtaken records nothing; what comes
/// meanwhile gathers and travels in one larger packet.
#[derive(Debug)]
pub struct Inlet {
    session: Arc<Session>,
    direction: Direction,
    publisher: Publisher,
    sender: PacketSender,
    seq: u64,
    chain: Chain,
    /// How many payloads of the endpoint are in packets.
    taken: u64,
    /// The endpoint has sent the last packet itself.
    finished: bool,
}

/// The session takes nothing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the session has ended")]
pub struct Ended;

impl Inlet {
    /// The beginning of `direction`. There must be one inlet per direction only.
    #[must_use]
    pub fn new(session: Arc<Session>, direction: Direction) -> Self {
        let head = Head::start(session.id, direction);
        Self::after(session, direction, &head)
    }

    /// A direction that goes on after `head`.
    pub(super) fn after(session: Arc<Session>, direction: Direction, head: &Head) -> Self {
        let publisher = Publisher::generate();
        let sender = session.bus.packet_sender(session.id, direction, publisher);
        session.state().lane(direction).give_to(publisher);
        let (seq, chain, taken) = (head.seq, head.chain, head.taken);
        Self { session, direction, publisher, sender, seq, chain, taken, finished: false }
    }

    /// Which way its packets travel.
    #[must_use]
    pub const fn direction(&self) -> Direction {
        self.direction
    }

    /// The session.
    #[must_use]
    pub const fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// How many payloads of the endpoint are in packets that are recorded, or will be.
    pub(crate) const fn taken(&self) -> u64 {
        self.taken
    }

    /// Whether the endpoint has sent its last packet.
    pub(crate) const fn finished(&self) -> bool {
        self.finished
    }

    /// Takes in what an endpoint sent. It reaches the other end when it is recorded.
    ///
    /// # Errors
    /// When the session has ended, or ends now because more came than was granted.
    pub async fn send(&mut self, payload: proto::Payload) -> Result<(), Ended> {
        self.charge(payload.channel, payload.cost())?;
        self.pass(payload).await
    }

    /// Takes what a payload costs from what its sender was granted.
    ///
    /// # Errors
    /// When that is not enough, which ends the session, or the session has ended.
    pub fn charge(&self, channel: u32, cost: usize) -> Result<(), Ended> {
        if self.finished || self.session.has_ended() {
            return Err(Ended);
        }
        let charged = self.session.state().lane(self.direction).charge(channel, cost);
        charged.map_err(|cause| {
            let session = self.session.id;
            tracing::warn!(%session, %cause, direction = self.direction.as_str(), "session ended");
            self.session.end(EndReason::ProtocolViolation);
            Ended
        })
    }

    /// Takes in what has been [charged](Self::charge) for.
    ///
    /// # Errors
    /// When the session has ended.
    pub async fn pass(&mut self, payload: proto::Payload) -> Result<(), Ended> {
        self.board().await?;
        self.pass_boarded(payload, 1).await
    }

    /// Waits until the packet before is recorded. Cancel safe.
    ///
    /// # Errors
    /// When the session has ended.
    pub async fn board(&self) -> Result<(), Ended> {
        if self.session.in_flight(self.direction) {
            metrics::edge().broker_stalled(self.direction);
        }
        tokio::select! {
            biased;
            () = self.session.ended() => Err(Ended),
            () = self.session.landed(self.direction) => Ok(()),
        }
    }

    /// Takes in what has been charged for and [boarded](Self::board), made of so many of the
    /// endpoint's payloads.
    ///
    /// # Errors
    /// When the session has ended.
    pub async fn pass_boarded(
        &mut self,
        payload: proto::Payload,
        pieces: u64,
    ) -> Result<(), Ended> {
        let channel = payload.channel;
        let Some(body) = payload.body.clone() else { return Ok(()) };
        self.taken += pieces;
        self.finished = matches!(body, proto::payload::Body::SessionEnd(_));
        self.record(channel, body.into(), Some(payload)).await
    }

    /// Records the session's first packet, which is delivered to nobody.
    pub(crate) async fn start(&mut self, start: proto::SessionStart) -> Result<(), Ended> {
        self.session.set_level(start.audit_level());
        self.record(0, proto::v1::packet::Body::SessionStart(start), None).await
    }

    /// Records that the end which sends this direction goes on here. Whether that is so, only
    /// its receipt says.
    pub(super) async fn resume(&mut self, edge: &str) -> Result<(), Ended> {
        let resumed = proto::SessionResumed { edge: edge.to_owned() };
        self.record(0, proto::v1::packet::Body::SessionResumed(resumed), None).await
    }

    /// Records the last packet of this direction, if the endpoint has not sent it.
    ///
    /// When the session had not ended, `otherwise` is why it ends, once that is recorded.
    pub async fn finish(mut self, otherwise: EndReason) {
        if self.finished || !self.is_current() {
            return;
        }
        // Not ended from here: what was sent before must reach the other end first, and
        // does when this packet is delivered behind it.
        let closed = self.session.ended_with();
        let closed = closed.unwrap_or_else(|| proto::SessionClosed::of(otherwise));
        if closed.reason() == EndReason::RecordingUnavailable {
            // What can't be recorded can't be told through the recording either.
            let frame = proto::relay_frame::Frame::Closed(closed);
            self.session.relay(self.direction, frame).await;
            self.session.abandon();
            return;
        }
        tokio::select! {
            () = self.session.landed(self.direction) => {}
            () = self.session.done() => return,
        }
        if !self.is_current() {
            return;
        }
        let end = proto::SessionEnd { code: closed.code, message: closed.message };
        let body = proto::payload::Body::SessionEnd(end);
        let payload = proto::Payload { channel: 0, body: Some(body.clone()) };
        let _ = self.record(0, body.into(), Some(payload)).await;
    }

    /// Whether no other edge has taken over.
    fn is_current(&self) -> bool {
        self.session.state().lane(self.direction).is_ours()
    }

    async fn record(
        &mut self,
        channel: u32,
        body: proto::v1::packet::Body,
        payload: Option<proto::Payload>,
    ) -> Result<(), Ended> {
        self.seq += 1;
        let packet = proto::Packet {
            session: Bytes::copy_from_slice(self.session.id.as_bytes()),
            direction: proto::Direction::from(self.direction).into(),
            seq: self.seq,
            channel,
            at: time::to_micros(chrono::Utc::now()),
            body: Some(body),
            taken: self.taken,
            chain: Bytes::new(),
        };
        let (encoded, chain) = packet::seal(packet, self.chain);
        self.chain = chain;
        metrics::edge().published(self.direction, encoded.len());
        let note = Packet::ours(self.seq, self.publisher, encoded.clone(), payload, self.taken);
        let expected = self.session.state().lane(self.direction).publish(note);
        step::at(step::Step::BeforePublish);
        self.sender.publish(self.seq, encoded, expected).await.map_err(|cause| {
            let session = self.session.id;
            if self.session.end(EndReason::RecordingUnavailable) {
                tracing::error!(%session, %cause, "session ended: the broker is gone");
            }
            Ended
        })
    }
}
