//! One channel's reader, read as far as the peer's credit goes.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{BufMut, BytesMut};
use hoop_proto::{
    packet::FRAME_COST,
    v1::{ChannelClose, payload},
};
use tokio::io::AsyncRead;
use tokio_util::io::poll_read_buf;

/// Where a channel's data comes from.
pub(crate) type Reader = Box<dyn AsyncRead + Send + Unpin>;

/// The largest piece that is read at once: what a socket buffer gives in one call, and
/// small enough to travel in one packet.
const PIECE: usize = 64 * 1024;

/// The sending half of one channel.
pub(crate) struct Lane {
    reader: Option<Reader>,
    credit: usize,
    /// Below this the reader waits, so that a peer with little room is not sent crumbs.
    /// At most half a window: the peer grants when it has consumed the other half.
    threshold: usize,
    /// The reader is over and `ChannelClose` is not sent yet.
    ended: bool,
    abort: bool,
}

impl Lane {
    pub(crate) fn new(window: u32) -> Self {
        let window = window as usize;
        let threshold = (PIECE + FRAME_COST).min(window / 2).max(FRAME_COST + 1);
        Self { reader: None, credit: window, threshold, ended: false, abort: false }
    }

    pub(crate) fn attach(&mut self, reader: Reader) {
        self.reader = Some(reader);
    }

    pub(crate) const fn abort_at_end(&mut self) {
        self.abort = true;
    }

    /// Adds credit; says whether a waiting reader may go on.
    pub(crate) const fn credit(&mut self, bytes: u32) -> bool {
        let waited = self.credit < self.threshold;
        self.credit = self.credit.saturating_add(bytes as usize);
        waited && self.threshold <= self.credit
    }

    /// Data, or the `ChannelClose` that follows the last of it.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut BytesMut,
    ) -> Poll<payload::Body> {
        if !self.ended {
            ready!(self.poll_read(cx, buffer));
        }
        if buffer.is_empty() {
            self.ended = false;
            let close = ChannelClose { abort: self.abort };
            return Poll::Ready(payload::Body::ChannelClose(close));
        }
        self.credit = self.credit.saturating_sub(buffer.len() + FRAME_COST);
        Poll::Ready(payload::Body::Data(buffer.split().freeze()))
    }

    /// Reads until there is no more for now: TLS gives its records one by one, and they
    /// are sent as one piece. A TCP socket that was read empty costs no second call.
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut BytesMut) -> Poll<()> {
        let Some(reader) = self.reader.as_mut().filter(|_| self.threshold <= self.credit) else {
            return Poll::Pending;
        };
        let largest = PIECE.min(self.credit - FRAME_COST);
        buffer.reserve(largest);
        while buffer.len() < largest {
            let left = largest - buffer.len();
            let mut room = (&mut *buffer).limit(left);
            match poll_read_buf(Pin::new(reader), cx, &mut room) {
                Poll::Ready(Ok(0)) => self.ended = true,
                Poll::Ready(Ok(_)) => continue,
                Poll::Ready(Err(_)) => (self.ended, self.abort) = (true, true),
                Poll::Pending if buffer.is_empty() => return Poll::Pending,
                Poll::Pending => {}
            }
            break;
        }
        if self.ended {
            self.reader = None;
        }
        Poll::Ready(())
    }
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane").field("credit", &self.credit).finish_non_exhaustive()
    }
}
