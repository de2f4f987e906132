//! An end of a session goes on at this edge: whatever edge it was at, dead or alive, what is
//! recorded says where it stands.

use std::{sync::Arc, time::Duration};

use hoop_domain::{DenialCode, Direction, SessionId};
use hoop_proto as proto;
use prost::Message;

use super::{Elsewhere, Event, Head, Inlet, Outlet, Session};

/// How often it is tried to follow a packet that turns out not to be the last one.
const ATTEMPTS: usize = 5;

/// How long the broker may take to accept a packet.
const ACCEPTED: Duration = Duration::from_secs(5);

/// How long the broker may take to accept what left before it was recorded.
const UNRECORDED: Duration = Duration::from_secs(5);

fn denied(sentence: &str) -> proto::Denial {
    proto::Denial::with(DenialCode::Malformed, sentence)
}

fn later(session: SessionId, cause: &impl std::fmt::Display) -> proto::Denial {
    tracing::warn!(%session, %cause, "a session can't be resumed now");
    proto::Denial::of(DenialCode::RecordingUnavailable)
}

/// What an end has received.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Received {
    /// The number of the last packet.
    pub(crate) seq: u64,
    /// How many payloads that and all before it held.
    pub(crate) payloads: u64,
}

impl Session {
    /// Takes over the sending half of the end that sends `direction`.
    pub(crate) async fn take_over(
        self: &Arc<Self>,
        direction: Direction,
        edge: &str,
    ) -> Result<Inlet, proto::Denial> {
        if let Some(inlet) = self.unseat(direction).await {
            return Ok(inlet);
        }
        if self.state().lane(direction).is_ours() {
            return Err(denied("this end of the session can't go on elsewhere"));
        }
        for _ in 0..ATTEMPTS {
            if self.has_left() {
                break;
            }
            if let Some(inlet) = self.try_to_take_over(direction, edge).await? {
                let mut state = self.state();
                if state.lane(direction.reverse()).is_ours() {
                    state.elsewhere = Elsewhere::Nobody;
                }
                return Ok(inlet);
            }
        }
        Err(later(self.id(), &"it is taken over by another edge"))
    }

    async fn try_to_take_over(
        self: &Arc<Self>,
        direction: Direction,
        edge: &str,
    ) -> Result<Option<Inlet>, proto::Denial> {
        // Whoever receives this direction here has to have all of it first.
        let followed = self.state().lane(direction).has_outlet();
        if followed {
            self.catch_up(direction).await.map_err(|cause| later(self.id(), &cause))?;
        }
        let newest = self
            .bus
            .newest(self.id(), direction)
            .await
            .map_err(|cause| later(self.id(), &cause))?;
        let head = match &newest {
            Some(newest) => Head::after(newest).map_err(|cause| later(self.id(), &cause))?,
            None => Head::start(self.id(), direction),
        };
        if head.ended {
            return Err(denied("the session has ended"));
        }
        {
            let mut state = self.state();
            let lane = state.lane(direction);
            if followed && lane.recorded() != head.seq {
                return Ok(None);
            }
            if !followed {
                if head.seq < lane.recorded() {
                    // A replica of the stream that lags.
                    return Ok(None);
                }
                lane.begin_after(&head);
            }
        }
        let mut inlet = Inlet::after(self.clone(), direction, &head);
        if let Err(cause) = inlet.resume(edge).await {
            self.state().lane(direction).give_up();
            return Err(later(self.id(), &cause));
        }
        let accepted = tokio::time::timeout(ACCEPTED, self.landed(direction)).await;
        let ours = self.state().lane(direction).is_ours();
        match accepted {
            Ok(()) if ours => Ok(Some(inlet)),
            Ok(()) => Ok(None),
            Err(_) => {
                self.state().lane(direction).give_up();
                Err(later(self.id(), &"the broker does not answer"))
            }
        }
    }

    /// Gives the end that receives `direction` what it has not received, and then all that
    /// comes.
    pub(crate) async fn go_on(
        self: &Arc<Self>,
        direction: Direction,
        received: Received,
        outlet: Outlet,
    ) -> Result<(), proto::Denial> {
        let mut backlog =
            Backlog { session: self.id(), deliveries: Vec::new(), head: None, received };
        let deadline = tokio::time::Instant::now() + UNRECORDED;
        loop {
            self.read(direction, &mut backlog).await?;
            let last = backlog.head.as_ref().map_or(0, |head| head.seq);
            {
                let mut state = self.state();
                let lane = state.lane(direction);
                if !lane.has_begun() {
                    match &backlog.head {
                        Some(head) if received.seq <= head.seq => lane.begin_after(head),
                        None if received.seq == 0 => {}
                        _ => return Err(denied("more was received than is recorded")),
                    }
                }
                let there = lane.recorded() <= last && received.seq <= lane.recorded();
                if there && !lane.is_ahead() {
                    let recorded = lane.recorded();
                    lane.set_outlet(Some(outlet));
                    for delivery in backlog.deliveries {
                        if delivery.seq <= recorded {
                            lane.tell(Event::Delivery(delivery));
                        }
                    }
                    return Ok(());
                }
            }
            if deadline < tokio::time::Instant::now() {
                let lags = received.seq <= last;
                let unrecorded = || denied("more was received than is recorded");
                return Err(if lags { later(self.id(), &"this edge lags") } else { unrecorded() });
            }
            // Something left before it was recorded, which takes a moment.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Reads what is in the stream of `direction` behind what was read.
    async fn read(&self, direction: Direction, backlog: &mut Backlog) -> Result<(), proto::Denial> {
        loop {
            let after = backlog.head.as_ref().map_or(0, |head| head.stream_seq);
            let found = self.bus.recorded_in(self.id(), direction, after).await;
            let found = found.map_err(|cause| later(self.id(), &cause))?;
            if found.is_empty() {
                return Ok(());
            }
            for recorded in found {
                let head = Head::after(&recorded).map_err(|cause| later(self.id(), &cause))?;
                backlog.take(head, recorded.encoded)?;
            }
        }
    }
}

/// What the stream has of a direction that its receiver has not.
struct Backlog {
    session: SessionId,
    deliveries: Vec<proto::Delivery>,
    head: Option<Head>,
    received: Received,
}

impl Backlog {
    fn take(&mut self, head: Head, encoded: bytes::Bytes) -> Result<(), proto::Denial> {
        let before = self.head.replace(head).filter(|before| self.received.seq <= before.seq);
        if head.seq <= self.received.seq {
            return Ok(());
        }
        let Received { seq, payloads } = self.received;
        let (last, payloads) = before.map_or((seq, payloads), |head| (head.seq, head.taken));
        if head.seq != last + 1 {
            return Err(denied("what was not received is no longer in the stream"));
        }
        let pieces = u32::try_from(head.taken.saturating_sub(payloads)).unwrap_or(1);
        let packet = proto::Packet::decode(encoded).map_err(|cause| later(self.session, &cause))?;
        let seq = packet.seq;
        if let Some(payload) = packet.into_payload() {
            self.deliveries.push(proto::Delivery { seq, payload: Some(payload), pieces });
        }
        Ok(())
    }
}
