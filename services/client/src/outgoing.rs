//! The stream that tonic sends: an [`Outbox`](crate::outbox::Outbox) and its keep-alives.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use hoop_proto::v1::{self, up};
use tokio_stream::Stream;

use crate::{keep_alive::SilenceTimer, outbox::Outbox};

/// What an endpoint sends. tonic's sending task polls it.
#[derive(Debug)]
pub(crate) struct Outgoing {
    outbox: Arc<Outbox>,
    stream: u64,
    silence: SilenceTimer,
}

impl Outgoing {
    /// The stream with this number of `outbox`; the first one has the number 0.
    pub(crate) fn new(outbox: Arc<Outbox>, stream: u64, silence: SilenceTimer) -> Self {
        Self { outbox, stream, silence }
    }
}

impl Stream for Outgoing {
    type Item = v1::Up;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<v1::Up>> {
        match self.outbox.poll_frame(self.stream, cx) {
            Poll::Ready(frame) => {
                self.silence.note();
                Poll::Ready(frame.map(|frame| v1::Up { frame: Some(frame) }))
            }
            Poll::Pending => self
                .silence
                .poll_silence(cx)
                .map(|()| Some(v1::Up { frame: Some(up::Frame::KeepAlive(v1::KeepAlive {})) })),
        }
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        self.outbox.abandon(self.stream);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hoop_proto::v1::AttachHello;
    use tokio_stream::StreamExt;

    use super::*;

    #[tokio::test]
    async fn silence_is_broken_by_keep_alives_until_the_stream_ends() {
        let outbox = Outbox::new(up::Frame::AttachHello(AttachHello::default()));
        let silence = SilenceTimer::new(Duration::from_millis(5));
        let mut outgoing = Outgoing::new(Arc::clone(&outbox), 0, silence);
        outgoing.next().await;
        for _ in 0..3 {
            let frame = outgoing.next().await.and_then(|up| up.frame);
            assert_eq!(frame, Some(up::Frame::KeepAlive(v1::KeepAlive {})));
        }
        outbox.finish();
        assert_eq!(outgoing.next().await, None);
    }
}
