//! The reading half of a session's stream, the same for either end.

use futures_util::FutureExt;
use hoop_domain::EndReason;
use hoop_proto::{self as proto, up};
use tokio_util::sync::CancellationToken;
use tonic::Streaming;

use super::{
    SILENCE_LIMIT,
    gather::{Gathered, Saved},
};
use crate::session::{Ended, Inlet};

/// Feeds the endpoint's frames into `inlet` until the stream, the session or the
/// endpoint's patience ends, and records the end.
pub(super) async fn feed(
    inlet: Inlet,
    frames: Streaming<proto::Up>,
    gone: CancellationToken,
    lost: EndReason,
) {
    let mut feed = Feed { inlet, frames, gone, next: None, saved: Saved::default() };
    let reason = feed.run(lost).await;
    feed.inlet.finish(reason).await;
}

struct Feed {
    inlet: Inlet,
    frames: Streaming<proto::Up>,
    gone: CancellationToken,
    /// A frame that was taken off the stream to see whether it could be merged.
    next: Option<proto::Up>,
    saved: Saved,
}

impl Feed {
    async fn run(&mut self, lost: EndReason) -> EndReason {
        loop {
            let frame = match self.next.take() {
                Some(frame) => frame,
                None => match self.wait().await {
                    Some(frame) => frame,
                    None => return lost,
                },
            };
            if let Err(reason) = self.take(frame, lost).await {
                return reason;
            }
        }
    }

    /// The next frame, unless the stream, the session or the endpoint's patience ends.
    /// Only this waiting is cut short: a packet that has its number is always published.
    async fn wait(&mut self) -> Option<proto::Up> {
        let session = self.inlet.session();
        let frame = tokio::select! {
            frame = tokio::time::timeout(SILENCE_LIMIT, self.frames.message()) => frame,
            () = session.ended() => return None,
            () = self.gone.cancelled() => return None,
        };
        match frame {
            Ok(Ok(frame)) => frame,
            Ok(Err(status)) => {
                tracing::debug!(session = %session.id(), %status, "a stream broke");
                None
            }
            Err(_) => {
                tracing::info!(session = %session.id(), "an endpoint was silent for 45 s");
                None
            }
        }
    }

    async fn take(&mut self, frame: proto::Up, lost: EndReason) -> Result<(), EndReason> {
        let ended = |Ended| lost;
        match frame.frame {
            Some(up::Frame::Payload(payload)) => {
                self.inlet.charge(payload.channel, payload.cost()).map_err(ended)?;
                match Gathered::begin(payload) {
                    Ok(gathered) => self.pass_gathered(gathered, lost).await,
                    Err(payload) => self.inlet.pass(payload).await.map_err(ended),
                }
            }
            Some(up::Frame::Credit(credit)) => {
                let direction = self.inlet.direction();
                self.inlet.session().pass_credit(direction, credit).await;
                Ok(())
            }
            Some(up::Frame::Received(_) | up::Frame::KeepAlive(_)) => Ok(()),
            Some(
                up::Frame::AgentHello(_)
                | up::Frame::ClientHello(_)
                | up::Frame::AttachHello(_)
                | up::Frame::ResumeHello(_)
                | up::Frame::OpenRefused(_),
            )
            | None => {
                let session = self.inlet.session().id();
                tracing::warn!(%session, "a frame that has no place in a session");
                Err(EndReason::ProtocolViolation)
            }
        }
    }

    /// Waits until the broker takes one more packet, and makes it of all that is there.
    async fn pass_gathered(
        &mut self,
        mut gathered: Gathered,
        lost: EndReason,
    ) -> Result<(), EndReason> {
        let ended = |Ended| lost;
        self.inlet.board().await.map_err(ended)?;
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
        let channel = gathered.channel();
        let (payload, merged) = gathered.finish();
        let (session, direction) = (self.inlet.session().clone(), self.inlet.direction());
        for credit in self.saved.note(channel, merged).into_iter().flatten() {
            session.give_back(direction, credit);
        }
        self.inlet.pass_boarded(payload).await.map_err(ended)
    }
}
