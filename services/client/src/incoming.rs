//! What an edge sends, with a peer that fell silent noticed.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
};

use hoop_proto::v1::{self, down};
use tokio_stream::Stream;
use tonic::{Status, Streaming};

use crate::{Error, KeepAlive, keep_alive::SilenceTimer};

/// The frames of an edge, less its keep-alives. Generic so that tests need no network.
#[derive(Debug)]
pub struct Incoming<S = Streaming<v1::Down>> {
    frames: S,
    silence: SilenceTimer,
}

impl<S: Stream<Item = Result<v1::Down, Status>> + Unpin> Incoming<S> {
    /// Watches over `frames`.
    #[must_use]
    pub fn new(frames: S, keep_alive: KeepAlive) -> Self {
        Self { frames, silence: SilenceTimer::new(keep_alive.dead_after) }
    }

    /// The next frame. Cancel safe.
    ///
    /// # Errors
    /// When the stream is over, for whatever reason: there is no next frame after that.
    pub async fn recv(&mut self) -> Result<down::Frame, Error> {
        poll_fn(|cx| self.poll_frame(cx)).await
    }

    pub(crate) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Result<down::Frame, Error>> {
        loop {
            let frame = match Pin::new(&mut self.frames).poll_next(cx) {
                Poll::Pending => return self.poll_silence(cx),
                Poll::Ready(None) => return Poll::Ready(Err(Error::Ended)),
                Poll::Ready(Some(Err(status))) => return Poll::Ready(Err(status.into())),
                Poll::Ready(Some(Ok(v1::Down { frame }))) => frame,
            };
            self.silence.note();
            match frame {
                Some(down::Frame::KeepAlive(_)) => {}
                Some(down::Frame::SessionClosed(closed)) => return Poll::Ready(Err(closed.into())),
                Some(frame) => return Poll::Ready(Ok(frame)),
                None => {
                    let what = "the gateway sent a frame that this version does not know";
                    return Poll::Ready(Err(Error::Violation(what)));
                }
            }
        }
    }

    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<Result<down::Frame, Error>> {
        let seconds = self.silence.seconds();
        self.silence.poll_silence(cx).map(|()| Err(Error::Silent { seconds }))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn frame(frame: down::Frame) -> Result<v1::Down, Status> {
        Ok(v1::Down { frame: Some(frame) })
    }

    #[tokio::test]
    async fn a_silent_peer_is_dead() {
        let quick = KeepAlive {
            send_after: Duration::from_millis(5),
            dead_after: Duration::from_millis(20),
        };
        let mut incoming = Incoming::new(tokio_stream::pending(), quick);
        assert!(matches!(incoming.recv().await, Err(Error::Silent { .. })));
    }

    #[tokio::test]
    async fn keep_alives_are_heard_and_not_handed_on() {
        let frames = [
            frame(down::Frame::KeepAlive(v1::KeepAlive {})),
            frame(down::Frame::Attached(v1::Attached { window: 7, resume_seconds: 0 })),
        ];
        let mut incoming = Incoming::new(tokio_stream::iter(frames), KeepAlive::STANDARD);
        let attached = down::Frame::Attached(v1::Attached { window: 7, resume_seconds: 0 });
        assert_eq!(incoming.recv().await.unwrap(), attached);
        assert!(matches!(incoming.recv().await, Err(Error::Ended)));
    }

    #[tokio::test]
    async fn an_unknown_frame_is_a_violation() {
        let frames = [Ok(v1::Down { frame: None })];
        let mut incoming = Incoming::new(tokio_stream::iter(frames), KeepAlive::STANDARD);
        assert!(matches!(incoming.recv().await, Err(Error::Violation(_))));
    }
}
