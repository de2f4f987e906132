//! How long a connection may take for what. The HTTP library has one clock for a request's
//! head and for the rest before it, so it is given the longer time, and the head, once it has
//! begun, is timed here.
//!
//! ```text
//! accepted ──▶ Head ──all of it──▶ Answering ──▶ Resting ──a first byte──▶ Head
//! ```

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::Notify,
    time::sleep,
};

/// How long the head of a request may take from its first byte on; of the first request on a
/// connection, from the connection on.
pub(super) const HEAD: Duration = Duration::from_secs(10);

/// How long a connection may rest between two requests. Load balancers keep theirs for a
/// minute, and must be the ones that close them: a request that meets a close is lost.
pub(super) const REST: Duration = Duration::from_secs(75);

const AT_HEAD: u8 = 0;
const ANSWERING: u8 = 1;
const RESTING: u8 = 2;

/// What a connection is at.
#[derive(Debug, Clone, Default)]
pub(super) struct Pace(Arc<State>);

#[derive(Debug, Default)]
struct State {
    at: AtomicU8,
    changed: Notify,
}

impl Pace {
    /// The head is there.
    pub(super) fn answering(&self) {
        self.set(ANSWERING);
    }

    /// Returns when a head took too long.
    pub(super) async fn too_slow(&self) {
        loop {
            let changed = self.0.changed.notified();
            if self.0.at.load(Ordering::Acquire) != AT_HEAD {
                changed.await;
                continue;
            }
            tokio::select! {
                () = changed => {}
                () = sleep(HEAD) => return,
            }
        }
    }

    fn read_something(&self) {
        let begun =
            self.0.at.compare_exchange(RESTING, AT_HEAD, Ordering::AcqRel, Ordering::Acquire);
        if begun.is_ok() {
            self.0.changed.notify_one();
        }
    }

    fn set(&self, at: u8) {
        self.0.at.store(at, Ordering::Release);
        self.0.changed.notify_one();
    }
}

/// A connection that tells when something comes in.
#[derive(Debug)]
pub(super) struct Paced<S> {
    stream: S,
    pace: Pace,
}

impl<S> Paced<S> {
    pub(super) const fn new(stream: S, pace: Pace) -> Self {
        Self { stream, pace }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if before < buffer.filled().len() {
            self.pace.read_something();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// The body of an answer; when it is gone the connection rests.
#[derive(Debug)]
pub(super) struct Answer {
    body: Body,
    pace: Pace,
}

impl Answer {
    pub(super) const fn new(body: Body, pace: Pace) -> Self {
        Self { body, pace }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.pace.set(RESTING);
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
