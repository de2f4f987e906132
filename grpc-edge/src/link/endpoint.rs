//! The reading half of a session's stream, the same for either end.

use std::{sync::Arc, time::Duration};

use futures_util::FutureExt;
use hoop_domain::EndReason;
use hoop_proto::{self as proto, up};
use tokio_util::sync::CancellationToken;
use tonic::Streaming;

use super::{SILENCE_LIMIT, gather::Gathered, pinned::Pinned};
use crate::{
    edge::Shared,
    session::{Ended, Inlet, Sitting},
};

/// How long an edge that stops waits for the receipts of what it has published.
const LAST_RECEIPTS: Duration = Duration::from_secs(2);

/// How an end comes to sit at an edge.
#[derive(Debug)]
pub(super) enum Comes {
    First,
    /// It may say how its channels stand, before all else.
    Back,
    /// It may send what was approved, and nothing else. It can't come back.
    Pinned(Box<Pinned>),
}

/// Feeds the endpoint's frames into `inlet` until the session or the endpoint ends. When the
/// stream breaks, the inlet is kept for a while for the end to come back; it may do so at any
/// edge. `lost` is what it means when it does not.
pub(super) async fn feed(
    shared: Arc<Shared>,
    (inlet, sitting): (Inlet, Sitting),
    frames: Streaming<proto::Up>,
    gone: CancellationToken,
    lost: EndReason,
    comes: Comes,
) {
    let (back, pinned) = match comes {
        Comes::First => (false, None),
        Comes::Back => (true, None),
        Comes::Pinned(pinned) => (false, Some(pinned)),
    };
    let mut feed = Feed { inlet, frames, gone, sitting, next: None, back, pinned };
    let stop = feed.run(lost).await;
    let Feed { inlet, frames, sitting, pinned, .. } = feed;
    drop(frames);
    match stop {
        Stop::End(reason) => inlet.finish(reason).await,
        Stop::Unseated => sitting.hand_over(inlet),
        Stop::Lost if pinned.is_some() => inlet.finish(lost).await,
        Stop::Lost => wait(&shared, inlet, sitting, lost).await,
    }
}

/// Keeps the inlet of an end that nobody sits at.
pub(crate) async fn keep(shared: Arc<Shared>, inlet: Inlet, sitting: Sitting, lost: EndReason) {
    wait(&shared, inlet, sitting, lost).await;
}

/// Waits for an end whose stream broke.
async fn wait(shared: &Shared, inlet: Inlet, sitting: Sitting, lost: EndReason) {
    let (session, direction) = (inlet.session().clone(), inlet.direction());
    session.detach(direction);
    let id = session.id();
    tracing::debug!(session = %id, direction = direction.as_str(), "an end is away");
    // An end that is over for the other one still has to hear of it.
    let ended = async {
        session.ended().await;
        if session.ended_in_band() && !inlet.finished() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        biased;
        () = sitting.unseated() => sitting.hand_over(inlet),
        () = ended => inlet.finish(lost).await,
        () = shared.drain.begun() => {
            let _ = tokio::time::timeout(LAST_RECEIPTS, session.landed(direction)).await;
            session.forget(direction);
        }
        () = tokio::time::sleep(shared.resume_grace) => {
            tracing::info!(session = %id, reason = %lost, "an end did not come back");
            inlet.finish(lost).await;
        }
    }
}

/// Why an endpoint is no longer read.
enum Stop {
    /// The session is over, or is to be for this reason.
    End(EndReason),
    /// The end sits somewhere else now.
    Unseated,
    /// The stream broke.
    Lost,
}

struct Feed {
    inlet: Inlet,
    frames: Streaming<proto::Up>,
    gone: CancellationToken,
    sitting: Sitting,
    /// A frame that was taken off the stream to see whether it could be merged.
    next: Option<proto::Up>,
    /// It has come back and said nothing since.
    back: bool,
    /// What was approved, where only that may come.
    pinned: Option<Box<Pinned>>,
}

impl Feed {
    async fn run(&mut self, lost: EndReason) -> Stop {
        loop {
            let frame = match self.next.take() {
                Some(frame) => frame,
                None => match self.wait(lost).await {
                    Ok(frame) => frame,
                    Err(stop) => return stop,
                },
            };
            if let Err(stop) = self.take(frame, lost).await {
                return stop;
            }
        }
    }

    /// The next frame, unless the stream, the session or the endpoint's patience ends.
    /// Only this waiting and that for the broker are cut short: a packet that has its number
    /// is always published.
    async fn wait(&mut self, lost: EndReason) -> Result<proto::Up, Stop> {
        let session = self.inlet.session();
        let frame = tokio::select! {
            frame = tokio::time::timeout(SILENCE_LIMIT, self.frames.message()) => frame,
            () = self.sitting.unseated() => return Err(Stop::Unseated),
            () = session.ended() => return Err(self.ended(lost)),
            () = self.gone.cancelled() => return Err(self.lost(lost)),
        };
        match frame {
            Ok(Ok(Some(frame))) => Ok(frame),
            // It gave up waiting for the answer that it may come back, and tries again.
            Ok(Ok(None)) if self.back => Err(self.lost(lost)),
            // It hung up, and has said all that it had to say.
            Ok(Ok(None)) => Err(Stop::End(lost)),
            Ok(Err(status)) => {
                tracing::debug!(session = %session.id(), %status, "a stream broke");
                Err(self.lost(lost))
            }
            Err(_) => {
                tracing::info!(session = %session.id(), "an endpoint was silent for 45 s");
                Err(self.lost(lost))
            }
        }
    }

    fn lost(&self, lost: EndReason) -> Stop {
        if self.inlet.finished() { Stop::End(lost) } else { Stop::Lost }
    }

    /// The session has ended: the endpoint hears of it, and reads on if it can.
    fn ended(&self, lost: EndReason) -> Stop {
        if self.gone.is_cancelled() && self.inlet.session().ended_in_band() {
            return self.lost(lost);
        }
        Stop::End(lost)
    }

    async fn take(&mut self, frame: proto::Up, lost: EndReason) -> Result<(), Stop> {
        let ended = |Ended| Stop::End(lost);
        let back = std::mem::take(&mut self.back);
        match frame.frame {
            Some(up::Frame::Payload(payload)) => {
                self.inlet.charge(payload.channel, payload.cost()).map_err(ended)?;
                if self.pinned.is_some() {
                    return self.pass_pinned(payload, lost).await;
                }
                match Gathered::begin(payload) {
                    Ok(gathered) => self.pass_gathered(gathered, lost).await,
                    Err(payload) => {
                        self.board(lost).await?;
                        self.inlet.pass_boarded(payload, 1).await.map_err(ended)
                    }
                }
            }
            Some(up::Frame::Credit(credit)) => {
                let direction = self.inlet.direction();
                self.inlet.session().pass_credit(direction, credit).await;
                Ok(())
            }
            // Only then: what it has spent it does not say whenever it likes.
            Some(up::Frame::ChannelStates(states)) if back => {
                self.inlet.session().restate(self.inlet.direction(), states).await;
                Ok(())
            }
            Some(up::Frame::KeepAlive(_)) => Ok(()),
            Some(
                up::Frame::AgentHello(_)
                | up::Frame::ClientHello(_)
                | up::Frame::AttachHello(_)
                | up::Frame::ResumeHello(_)
                | up::Frame::ChannelStates(_)
                | up::Frame::OpenRefused(_),
            )
            | None => {
                let session = self.inlet.session().id();
                tracing::warn!(%session, "a frame that has no place in a session");
                Err(Stop::End(EndReason::ProtocolViolation))
            }
        }
    }

    /// Passes what was approved on, when all of it is there; anything else ends the session.
    async fn pass_pinned(&mut self, payload: proto::Payload, lost: EndReason) -> Result<(), Stop> {
        let Some(pinned) = &mut self.pinned else { return Err(Stop::End(lost)) };
        let Ok(due) = pinned.admit(payload) else {
            let session = self.inlet.session();
            tracing::warn!(session = %session.id(), "what was sent is not what was approved");
            session.end(EndReason::NotApproved);
            return Err(Stop::End(EndReason::NotApproved));
        };
        for payload in due {
            self.board(lost).await?;
            let passed = self.inlet.pass_boarded(payload, 1).await;
            passed.map_err(|Ended| Stop::End(lost))?;
        }
        Ok(())
    }

    /// Waits until the packet before is recorded. What was not passed by then is sent again,
    /// wherever the end goes on.
    async fn board(&self, lost: EndReason) -> Result<(), Stop> {
        tokio::select! {
            biased;
            boarded = self.inlet.board() => boarded.map_err(|Ended| self.ended(lost)),
            () = self.sitting.unseated() => Err(Stop::Unseated),
        }
    }

    /// Waits until the broker takes one more packet, and makes it of all that is there.
    async fn pass_gathered(&mut self, mut gathered: Gathered, lost: EndReason) -> Result<(), Stop> {
        let ended = |Ended| Stop::End(lost);
        self.board(lost).await?;
        while gathered.has_room() && self.next.is_none() {
            // What is not there yet is not waited for; an end of the stream is seen again.
            let Some(Ok(Some(frame))) = self.frames.message().now_or_never() else { break };
            let Some(up::Frame::Payload(payload)) = frame.frame else {
                self.next = Some(frame);
                break;
            };
            let cost = payload.cost();
            match gathered.add(payload) {
                Ok(()) => self.inlet.charge(gathered.channel(), cost).map_err(ended)?,
                Err(payload) => {
                    self.next = Some(proto::Up { frame: Some(up::Frame::Payload(payload)) });
                }
            }
        }
        let (payload, pieces) = gathered.finish();
        self.inlet.pass_boarded(payload, pieces).await.map_err(ended)
    }
}
