//! What each sender may still send, so that nobody can make an edge buffer more than the
//! receiver has asked for.

use std::collections::HashMap;

use hoop_domain::{Direction, EndReason};
use hoop_proto::{self as proto, packet};

use super::{Elsewhere, Event, Session};

/// Channels that one session may use at a time; more is a protocol violation.
pub(crate) const MOST_CHANNELS: usize = 1024;

/// A receiver may not hold more than this open to one channel.
const MOST_ALLOWED: u64 = 64 * 1024 * 1024;

/// More was sent than was granted, or than anybody takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more was sent than the other end has granted")]
pub(crate) struct Exceeded;

/// What one channel may still carry in one direction, in bytes of credit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowance(u64);

impl Default for Allowance {
    fn default() -> Self {
        Self(u64::from(packet::WINDOW))
    }
}

impl Allowance {
    pub(super) fn take(&mut self, cost: usize) -> Result<(), Exceeded> {
        let cost = u64::try_from(cost).map_err(|_| Exceeded)?;
        self.0 = self.0.checked_sub(cost).ok_or(Exceeded)?;
        Ok(())
    }

    fn grant(&mut self, bytes: u32) {
        self.0 = (self.0 + u64::from(bytes)).min(MOST_ALLOWED);
    }
}

pub(super) fn allowance(
    allowances: &mut HashMap<u32, Allowance>,
    channel: u32,
) -> Result<&mut Allowance, Exceeded> {
    if allowances.len() >= MOST_CHANNELS && !allowances.contains_key(&channel) {
        return Err(Exceeded);
    }
    Ok(allowances.entry(channel).or_default())
}

impl Session {
    /// Passes on credit that travels in `direction`: to the endpoint of this edge that
    /// receives that direction, or to the other edge.
    pub async fn pass_credit(&self, direction: Direction, credit: proto::Credit) {
        let (here, elsewhere) = {
            let mut state = self.state();
            (state.lane(direction).has_outlet(), state.elsewhere)
        };
        if here {
            self.take_credit(direction, credit);
        } else if let Elsewhere::Edge { .. } = elsewhere {
            self.relay(direction, proto::relay_frame::Frame::Credit(credit)).await;
        }
    }

    /// Gives back to the sender of `direction` what a payload was charged for and the
    /// receiver will never see, because payloads were merged.
    pub(crate) fn give_back(&self, direction: Direction, credit: proto::Credit) {
        self.take_credit(direction.reverse(), credit);
    }

    /// Credit for an endpoint of this edge. One that does not read how much it may send is
    /// not told for ever.
    pub(super) fn take_credit(&self, direction: Direction, credit: proto::Credit) {
        let granted = self.state().grant(direction, credit);
        if let Err(cause) = granted {
            let session = self.id;
            if self.end(EndReason::ProtocolViolation) {
                tracing::warn!(%session, %cause, "session ended: an endpoint is flooded with credit");
            }
        }
    }

    /// Sends something beside the packets to the other edge.
    pub(super) async fn relay(&self, direction: Direction, frame: proto::relay_frame::Frame) {
        let subject = hoop_bus::Subject::Relay { session: self.id, direction };
        let frame = proto::RelayFrame { frame: Some(frame) };
        if let Err(cause) = self.bus.publish(&subject, &frame).await {
            let session = self.id;
            if self.end(EndReason::RecordingUnavailable) {
                tracing::error!(%session, %cause, "session ended: the broker is gone");
            }
        }
    }

    /// Says to the other edge, if there is one, that this one is alive.
    pub async fn keep_alive(&self) {
        let (elsewhere, direction) = {
            let state = self.state();
            // Towards the end that is not here.
            let direction = if state.inward.has_outlet() { Direction::Out } else { Direction::In };
            (state.elsewhere, direction)
        };
        if let Elsewhere::Edge { .. } = elsewhere {
            let frame = proto::relay_frame::Frame::KeepAlive(proto::KeepAlive {});
            self.relay(direction, frame).await;
        }
    }
}

impl super::State {
    fn grant(&mut self, direction: Direction, credit: proto::Credit) -> Result<(), Exceeded> {
        self.lane(direction).check_flood()?;
        // Credit that travels `in` allows packets `out`.
        let data = self.lane(direction.reverse());
        if let Ok(allowance) = allowance(&mut data.allowances, credit.channel) {
            allowance.grant(credit.bytes);
        }
        self.lane(direction).tell(Event::Credit(credit));
        Ok(())
    }
}
