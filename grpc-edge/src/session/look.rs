//! Looking into the stream for what nobody has told of: after the broker was away, when a
//! receipt does not come, and when another edge may have taken over.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use hoop_domain::{Direction, EndReason};

use super::{Session, lane};

/// What has had no receipt for this long is looked up.
const DOUBTFUL: Duration = Duration::from_secs(2);

impl Session {
    /// Looks up what is doubtful; everything, when the broker was away.
    pub(crate) fn look_if_doubtful(self: &Arc<Self>, now: Instant, broker_was_away: bool) {
        for direction in Direction::BOTH {
            let since = self.state().lane(direction).doubtful_since();
            let doubtful = since.is_some_and(|since| DOUBTFUL < now.duration_since(since));
            if doubtful || broker_was_away {
                self.look(direction);
            }
        }
    }

    /// Looks up what the stream has of `direction`, unless that is under way already.
    pub(super) fn look(self: &Arc<Self>, direction: Direction) {
        if self.looking.get(direction).swap(true, Ordering::AcqRel) {
            return;
        }
        let session = self.clone();
        tokio::spawn(async move {
            session.look_now(direction).await;
            session.looking.get(direction).store(false, Ordering::Release);
        });
    }

    async fn look_now(self: &Arc<Self>, direction: Direction) {
        if let Err(cause) = self.catch_up(direction).await {
            let session = self.id();
            tracing::debug!(%session, %cause, "the stream does not say what it has");
            return;
        }
        // What the stream does not have was not accepted. Should it be on its way all the
        // same, the broker takes one of the two.
        let unknown = self.state().lane(direction).unknown();
        if let Some(lane::Unknown { seq, publisher, encoded, expected }) = unknown {
            let sender = self.bus.packet_sender(self.id, direction, publisher);
            let _ = sender.publish(seq, encoded, expected).await;
        }
    }

    /// Takes in what the stream has of `direction` and this edge has not heard of.
    pub(super) async fn catch_up(
        self: &Arc<Self>,
        direction: Direction,
    ) -> Result<(), hoop_bus::Error> {
        if self.read_on(direction).await?.is_none() {
            return Ok(());
        }
        // Who receives this direction may be elsewhere by now, and then misses nothing here.
        // What it sends itself tells.
        self.read_on(direction.reverse()).await?;
        if let Some(broken) = self.read_on(direction).await? {
            self.unrecordable(broken);
        }
        Ok(())
    }

    /// Returns what is in the way, if anything is.
    async fn read_on(
        self: &Arc<Self>,
        direction: Direction,
    ) -> Result<Option<lane::Broken>, hoop_bus::Error> {
        loop {
            let after = self.state().lane(direction).stream_seq();
            let found = self.bus.recorded_in(self.id, direction, after).await?;
            if found.is_empty() {
                return Ok(None);
            }
            for recorded in found {
                let stream_seq = recorded.stream_seq;
                let outcome = {
                    let mut state = self.state();
                    let lane = state.lane(direction);
                    let outcome = lane.found(recorded);
                    if outcome.is_ok() {
                        lane.seen(stream_seq);
                    }
                    outcome
                };
                match outcome {
                    Ok(settled) => self.settled(direction, settled),
                    Err(broken) => return Ok(Some(broken)),
                }
            }
        }
    }

    pub(super) fn unrecordable(&self, cause: lane::Broken) {
        let session = self.id;
        if cause == lane::Broken::Flooded {
            tracing::warn!(%session, %cause, "session ended");
            self.end(EndReason::ProtocolViolation);
        } else if self.end(EndReason::RecordingUnavailable) {
            tracing::error!(%session, %cause, "session ended: its packets can't be relayed");
        }
    }
}
