//! What each sender may still send, so that nobody can make an edge buffer more than the
//! receiver has asked for.
//!
//! Credit is cumulative: a frame says how much was granted in all. Saying it again costs
//! nothing, which is what both ends do after they have moved to another edge.

use std::{collections::HashMap, sync::Arc};

use hoop_domain::{Direction, EndReason};
use hoop_proto::{self as proto, packet};

use super::{Elsewhere, Event, Session};

/// Channels that one session may use at a time; more is a protocol violation.
pub(crate) const MOST_CHANNELS: usize = 1024;

/// A receiver may not hold more than this open to one channel.
const MOST_ALLOWED: u64 = 64 * 1024 * 1024;

/// What may wait for one endpoint, whatever credit says: a window for each channel that its
/// sender has used, and what the endpoint may have granted one of them.
pub(super) fn most_waiting(channels: usize) -> usize {
    let windows = channels.saturating_mul(packet::WINDOW as usize);
    windows.saturating_add(usize::try_from(MOST_ALLOWED).unwrap_or(usize::MAX))
}

/// More was sent than was granted, or than anybody takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more was sent than the other end has granted")]
pub(crate) struct Exceeded;

/// What one channel may carry in one direction, and has, in bytes of credit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowance {
    total: u64,
    spent: u64,
}

impl Default for Allowance {
    fn default() -> Self {
        Self { total: u64::from(packet::WINDOW), spent: 0 }
    }
}

impl Allowance {
    pub(super) fn take(&mut self, cost: usize) -> Result<(), Exceeded> {
        let cost = u64::try_from(cost).map_err(|_| Exceeded)?;
        let spent = self.spent.checked_add(cost).ok_or(Exceeded)?;
        if self.total < spent {
            return Err(Exceeded);
        }
        self.spent = spent;
        Ok(())
    }

    fn grant(&mut self, total: u64) {
        self.total = self.total.max(total).min(self.spent.saturating_add(MOST_ALLOWED));
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
        self.take_credit(direction, credit);
        let elsewhere = {
            let mut state = self.state();
            // Whoever sends here is told above, or when it is back.
            let here = state.lane(direction.reverse()).is_ours();
            if here { Elsewhere::Nobody } else { state.elsewhere }
        };
        if let Elsewhere::Edge { .. } = elsewhere {
            self.relay(direction, proto::relay_frame::Frame::Credit(credit)).await;
        }
    }

    /// Notes credit, and tells the endpoint of this edge that it is for. One that does not
    /// read how much it may send is not told for ever.
    pub(super) fn take_credit(&self, direction: Direction, credit: proto::Credit) {
        let granted = self.state().grant(direction, credit);
        if let Err(cause) = granted {
            let session = self.id;
            if self.end(EndReason::ProtocolViolation) {
                tracing::warn!(%session, %cause, "session ended: an endpoint is flooded with credit");
            }
        }
    }

    /// Says again to the other edge what was granted here to the sender of `direction`, who
    /// has just moved there.
    pub(super) fn repeat_credit(self: &Arc<Self>, direction: Direction) {
        let granted: Vec<proto::Credit> = {
            let mut state = self.state();
            let allowances = &state.lane(direction).allowances;
            let credit = |(channel, one): (&u32, &Allowance)| proto::Credit {
                channel: *channel,
                total: one.total,
            };
            allowances.iter().map(credit).collect()
        };
        let session = self.clone();
        tokio::spawn(async move {
            for credit in granted {
                let frame = proto::relay_frame::Frame::Credit(credit);
                session.relay(direction.reverse(), frame).await;
            }
        });
    }

    /// How the channels stand of the end that sends `direction`, which has just resumed here.
    pub(crate) async fn restate(&self, direction: Direction, states: proto::ChannelStates) {
        for proto::ChannelState { channel, spent, total, granted } in states.channels {
            let told = self.state().restate(direction, channel, spent, total);
            if told.is_err() {
                self.end(EndReason::ProtocolViolation);
                return;
            }
            self.pass_credit(direction, proto::Credit { channel, total: granted }).await;
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
        if self.lane(direction).has_outlet() {
            self.lane(direction).check_flood()?;
        }
        // Credit that travels `in` allows packets `out`.
        let data = self.lane(direction.reverse());
        if let Ok(allowance) = allowance(&mut data.allowances, credit.channel) {
            allowance.grant(credit.total);
        }
        self.lane(direction).tell(Event::Credit(credit));
        Ok(())
    }

    /// What a sender says of itself when it resumes. It can only lie about its own session:
    /// what waits here is bounded apart from credit, and its receiver counts as well.
    fn restate(
        &mut self,
        direction: Direction,
        channel: u32,
        spent: u64,
        total: u64,
    ) -> Result<(), Exceeded> {
        let allowance = allowance(&mut self.lane(direction).allowances, channel)?;
        let known = allowance.total;
        allowance.spent = spent;
        allowance.grant(total);
        let newest = allowance.total;
        if total < known {
            let credit = proto::Credit { channel, total: newest };
            self.lane(direction.reverse()).tell(Event::Credit(credit));
        }
        Ok(())
    }
}
