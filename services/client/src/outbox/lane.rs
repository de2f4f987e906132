//! One channel's readers, read as far as the peer's credit goes.

use std::{
    fmt, mem,
    pin::Pin,
    sync::LazyLock,
    task::{Context, Poll},
};

use bytes::{BufMut, BytesMut};
use hoop_proto::{
    packet::FRAME_COST,
    v1::{ChannelClose, ChannelExit, payload},
};
use hoop_runtime::metrics::{Counter, counter};
use tokio::io::AsyncRead;
use tokio_util::io::poll_read_buf;

/// Where a channel's data comes from.
pub(crate) type Reader = Box<dyn AsyncRead + Send + Unpin>;

/// The largest piece that is read at once: what a socket buffer gives in one call, and
/// small enough to travel in one packet.
const PIECE: usize = 64 * 1024;

/// The sending half of one channel.
pub(crate) struct Lane {
    stage: Stage,
    output: Option<Reader>,
    /// The standard error output of a command.
    errors: Option<Reader>,
    /// Which of the two is asked first, so that neither starves the other.
    errors_first: bool,
    exit: Exit,
    credit: usize,
    /// What was granted in all.
    total: u64,
    /// Below this the readers wait, so that a peer with little room is not sent crumbs.
    /// At most half a window: the peer grants when it has consumed the other half.
    threshold: usize,
    abort: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// There is no reader yet.
    Awaited,
    /// What the readers give is sent.
    Reading,
    /// `ChannelClose` is sent.
    Ended,
}

/// How the command ended, which is sent after the last output and before `ChannelClose`.
#[derive(Debug, Clone, PartialEq)]
enum Exit {
    /// This end runs no command, or has said how it ended.
    Nothing,
    Awaited,
    Known(ChannelExit),
}

impl Lane {
    pub(crate) fn new(window: u32) -> Self {
        let total = u64::from(window);
        let window = window as usize;
        let threshold = (PIECE + FRAME_COST).min(window / 2).max(FRAME_COST + 1);
        Self {
            stage: Stage::Awaited,
            output: None,
            errors: None,
            errors_first: false,
            exit: Exit::Nothing,
            credit: window,
            total,
            threshold,
            abort: false,
        }
    }

    pub(crate) fn attach(&mut self, reader: Reader) {
        self.stage = Stage::Reading;
        self.output = Some(reader);
    }

    /// Attaches what a command prints; the lane stays open until its exit is known.
    pub(crate) fn attach_command(&mut self, output: Reader, errors: Option<Reader>) {
        self.attach(output);
        self.errors = errors;
        if self.exit == Exit::Nothing {
            self.exit = Exit::Awaited;
        }
    }

    pub(crate) const fn abort_at_end(&mut self) {
        self.abort = true;
    }

    /// The command is over.
    pub(crate) fn exit(&mut self, exit: ChannelExit) {
        self.exit = Exit::Known(exit);
    }

    /// So much was granted in all; says whether a waiting reader may go on.
    pub(crate) fn credit(&mut self, total: u64) -> bool {
        let waited = self.credit < self.threshold;
        let more = usize::try_from(total.saturating_sub(self.total)).unwrap_or(usize::MAX);
        self.credit = self.credit.saturating_add(more);
        self.total = self.total.max(total);
        waited && self.threshold <= self.credit
    }

    /// What was granted in all.
    pub(crate) const fn total(&self) -> u64 {
        self.total
    }

    /// What was spent of it.
    pub(crate) fn spent(&self) -> u64 {
        self.total.saturating_sub(u64::try_from(self.credit).unwrap_or(u64::MAX))
    }

    /// Data, or what follows the last of it: how the command ended, and `ChannelClose`.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut BytesMut,
    ) -> Poll<payload::Body> {
        if self.stage != Stage::Reading {
            return Poll::Pending;
        }
        self.errors_first = !self.errors_first;
        for errors in [self.errors_first, !self.errors_first] {
            if self.poll_read(errors, cx, buffer).is_ready() && !buffer.is_empty() {
                self.credit = self.credit.saturating_sub(buffer.len() + FRAME_COST);
                if self.credit < self.threshold {
                    stalled();
                }
                let data = buffer.split().freeze();
                let body =
                    if errors { payload::Body::Stderr(data) } else { payload::Body::Data(data) };
                return Poll::Ready(body);
            }
        }
        if self.output.is_some() || self.errors.is_some() {
            return Poll::Pending;
        }
        self.last_words()
    }

    fn last_words(&mut self) -> Poll<payload::Body> {
        match mem::replace(&mut self.exit, Exit::Nothing) {
            Exit::Known(exit) => Poll::Ready(payload::Body::ChannelExit(exit)),
            Exit::Awaited => {
                self.exit = Exit::Awaited;
                Poll::Pending
            }
            Exit::Nothing => {
                self.stage = Stage::Ended;
                Poll::Ready(payload::Body::ChannelClose(ChannelClose { abort: self.abort }))
            }
        }
    }

    /// Reads until there is no more for now: TLS gives its records one by one, and they
    /// are sent as one piece. A TCP socket that was read empty costs no second call.
    fn poll_read(&mut self, errors: bool, cx: &mut Context<'_>, buffer: &mut BytesMut) -> Poll<()> {
        let slot = if errors { &mut self.errors } else { &mut self.output };
        let Some(reader) = slot.as_mut().filter(|_| self.threshold <= self.credit) else {
            return Poll::Pending;
        };
        let largest = PIECE.min(self.credit - FRAME_COST);
        buffer.reserve(largest);
        let mut ended = false;
        while buffer.len() < largest {
            let left = largest - buffer.len();
            let mut room = (&mut *buffer).limit(left);
            match poll_read_buf(Pin::new(reader), cx, &mut room) {
                Poll::Ready(Ok(0)) => ended = true,
                Poll::Ready(Ok(_)) => continue,
                Poll::Ready(Err(_)) => (ended, self.abort) = (true, true),
                Poll::Pending if buffer.is_empty() => return Poll::Pending,
                Poll::Pending => {}
            }
            break;
        }
        if ended {
            *slot = None;
        }
        Poll::Ready(())
    }
}

/// A reader waits from here on until the peer grants more.
fn stalled() {
    static STALLS: LazyLock<Counter> = LazyLock::new(|| counter("hoop_credit_stalls_total", &[]));
    STALLS.inc();
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane").field("credit", &self.credit).finish_non_exhaustive()
    }
}
