//! The reading half of a session's stream, the same for either end.

use hoop_domain::EndReason;
use hoop_proto::{self as proto, up};
use tokio_util::sync::CancellationToken;
use tonic::Streaming;

use super::SILENCE_LIMIT;
use crate::session::{Ended, Inlet};

/// Feeds the endpoint's frames into `inlet` until the stream, the session or the
/// endpoint's patience ends, and records the end.
pub(super) async fn feed(
    mut inlet: Inlet,
    mut frames: Streaming<proto::Up>,
    gone: CancellationToken,
    lost: EndReason,
) {
    let session = inlet.session().clone();
    let reason = loop {
        let frame = tokio::select! {
            frame = tokio::time::timeout(SILENCE_LIMIT, frames.message()) => frame,
            () = session.ended() => break lost,
            () = gone.cancelled() => break lost,
        };
        match frame {
            Ok(Ok(Some(up))) => match take(&mut inlet, up).await {
                Ok(()) => {}
                Err(reason) => break reason,
            },
            Ok(Ok(None)) => break lost,
            Ok(Err(status)) => {
                tracing::debug!(session = %session.id(), %status, "a stream broke");
                break lost;
            }
            Err(_) => {
                tracing::info!(session = %session.id(), "an endpoint was silent for 45 s");
                break lost;
            }
        }
    };
    inlet.finish(reason).await;
}

async fn take(inlet: &mut Inlet, up: proto::Up) -> Result<(), EndReason> {
    match up.frame {
        Some(up::Frame::Payload(payload)) => {
            inlet.send(payload).await.map_err(|Ended| EndReason::ClientClosed)
        }
        Some(up::Frame::Credit(credit)) => {
            let direction = inlet.direction();
            inlet.session().pass_credit(direction, credit).await;
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
            tracing::warn!(session = %inlet.session().id(), "a frame that has no place in a session");
            Err(EndReason::ProtocolViolation)
        }
    }
}
