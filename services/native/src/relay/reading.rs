//! Reading in large pieces, without holding a large buffer while nothing comes.

use std::{
    future::{Future, poll_fn},
    io,
    pin::pin,
    task::Poll,
};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

/// What is asked of the socket at a time.
const BUFFER: usize = 64 * 1024;

/// With less than this left, a new buffer is taken.
const ROOM: usize = 16 * 1024;

/// Pieces below this are copied out, so that a short query in flight does not keep a whole
/// buffer alive. Copying this much takes a fraction of what the read took.
const SMALL: usize = 8 * 1024;

/// A reader's buffer: there while bytes come, gone while none do.
#[derive(Debug, Default)]
pub(super) struct Reading {
    buffer: BytesMut,
}

impl Reading {
    /// The next piece; `None` at the end. Cancel safe: nothing is held back between calls.
    pub(super) async fn next<R: AsyncRead + Unpin>(
        &mut self,
        reader: &mut R,
    ) -> io::Result<Option<Bytes>> {
        poll_fn(|cx| {
            if self.buffer.capacity() < ROOM {
                self.buffer.reserve(BUFFER);
            }
            match pin!(reader.read_buf(&mut self.buffer)).poll(cx) {
                Poll::Ready(Ok(0)) => Poll::Ready(Ok(None)),
                Poll::Ready(Ok(length)) if length < SMALL => {
                    let piece = Bytes::copy_from_slice(&self.buffer);
                    self.buffer.clear();
                    Poll::Ready(Ok(Some(piece)))
                }
                Poll::Ready(Ok(_)) => Poll::Ready(Ok(Some(self.buffer.split().freeze()))),
                Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                Poll::Pending => {
                    // An idle session must not cost a buffer.
                    self.buffer = BytesMut::new();
                    Poll::Pending
                }
            }
        })
        .await
    }
}

/// What `future` has to say at once, if anything. The future is dropped, so it has to be
/// cancel safe.
pub(super) async fn now_or_never<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    #[tokio::test]
    async fn nothing_is_held_while_nothing_comes() {
        let (mut client, mut reader) = tokio::io::duplex(128 * 1024);
        let mut reading = Reading::default();
        client.write_all(&[1; 20_000]).await.unwrap();
        assert_eq!(reading.next(&mut reader).await.unwrap().map(|piece| piece.len()), Some(20_000));
        assert_eq!(now_or_never(reading.next(&mut reader)).await.map(drop), None);
        assert_eq!(reading.buffer.capacity(), 0);
    }

    #[tokio::test]
    async fn pieces_are_what_was_sent() {
        let (mut client, mut reader) = tokio::io::duplex(1024 * 1024);
        let sent: Vec<u8> = (0..=255).cycle().take(300_000).collect();
        client.write_all(&sent).await.unwrap();
        client.shutdown().await.unwrap();
        let mut reading = Reading::default();
        let mut received = Vec::new();
        while let Some(piece) = reading.next(&mut reader).await.unwrap() {
            received.extend_from_slice(&piece);
        }
        assert!(received == sent);
    }
}
