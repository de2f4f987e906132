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
