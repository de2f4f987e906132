//! A writer and what waits for it: never more than the credit we granted its channel.

use std::{
    collections::VecDeque,
    fmt,
    io::{self, IoSlice},
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use hoop_proto::packet::{FRAME_COST, WINDOW};
use tokio::io::AsyncWrite;

/// Where a channel's data goes.
pub(crate) type Writer = Box<dyn AsyncWrite + Send + Unpin>;

/// Pieces that one system call writes.
const VECTOR: usize = 16;

/// One of the writers that a channel's data goes to.
#[derive(Debug)]
pub(crate) struct Sink {
    outlet: Outlet,
    queue: VecDeque<Bytes>,
    /// The peer writes no more.
    closing: bool,
}

/// What the peer may send on a channel.
#[derive(Debug)]
pub(crate) struct Window {
    /// Credit that the peer has left.
    room: usize,
    /// What was consumed and not granted again yet.
    spent: usize,
    /// What was granted in all.
    granted: u64,
}

impl Window {
    pub(crate) const fn new() -> Self {
        Self { room: WINDOW as usize, spent: 0, granted: WINDOW as u64 }
    }

    /// Uses up credit; `false` when there was not enough.
    fn take(&mut self, cost: usize) -> bool {
        let left = self.room.checked_sub(cost);
        self.room = left.unwrap_or(self.room);
        left.is_some()
    }

    /// What the peer was granted in all, when it is worth telling: half a window more.
    pub(crate) fn grant(&mut self) -> Option<u64> {
        if self.spent < WINDOW as usize / 2 {
            return None;
        }
        let spent = mem::take(&mut self.spent);
        self.room += spent;
        self.granted = self.granted.saturating_add(u64::try_from(spent).unwrap_or(u64::MAX));
        Some(self.granted)
    }

    /// What the peer was granted in all.
    pub(crate) const fn granted(&self) -> u64 {
        self.granted
    }
}

enum Outlet {
    /// The target is not reached yet.
    Awaited,
    Open(Writer),
    Shut,
    /// Writing failed: what still comes is thrown away.
    Broken,
}

/// How far a sink has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Drained {
    /// All that came is written.
    Idle,
    /// All is written and the writer is shut down.
    Shut,
    /// The writer failed just now.
    Broke,
}

impl Sink {
    pub(crate) const fn new() -> Self {
        Self { outlet: Outlet::Awaited, queue: VecDeque::new(), closing: false }
    }

    /// A sink that throws away what comes.
    pub(crate) const fn shut() -> Self {
        Self { outlet: Outlet::Shut, queue: VecDeque::new(), closing: false }
    }

    pub(crate) fn attach(&mut self, writer: Writer) {
        self.outlet = Outlet::Open(writer);
    }

    /// Takes data that costs so much; `false` when the peer had no credit for it.
    #[must_use]
    pub(crate) fn push(&mut self, data: Bytes, cost: usize, window: &mut Window) -> bool {
        if !window.take(cost) {
            return false;
        }
        match self.outlet {
            Outlet::Broken | Outlet::Shut => window.spent += cost,
            Outlet::Awaited | Outlet::Open(_) => {
                // What several payloads cost that were merged into this one is consumed with it.
                window.spent += cost.saturating_sub(data.len() + FRAME_COST);
                self.queue.push_back(data);
            }
        }
        true
    }

    /// The peer writes no more: shut down after what waits.
    pub(crate) const fn close(&mut self) {
        self.closing = true;
    }

    pub(crate) const fn closing(&self) -> bool {
        self.closing
    }

    /// Nothing will ever be written again.
    pub(crate) const fn over(&self) -> bool {
        matches!(self.outlet, Outlet::Shut | Outlet::Broken)
    }

    /// All that came is written, to a writer that is there.
    pub(crate) fn empty(&self) -> bool {
        self.queue.is_empty() && !matches!(self.outlet, Outlet::Awaited)
    }

    /// Writes what waits, as far as the writer takes it.
    pub(crate) fn poll_drain(
        &mut self,
        cx: &mut Context<'_>,
        window: &mut Window,
    ) -> Poll<Drained> {
        let Outlet::Open(writer) = &mut self.outlet else {
            return Poll::Ready(Drained::Idle);
        };
        let step = write_all(writer, &mut self.queue, &mut window.spent, self.closing, cx);
        match ready!(step) {
            Ok(()) if self.closing => {
                self.outlet = Outlet::Shut;
                Poll::Ready(Drained::Shut)
            }
            Ok(()) => Poll::Ready(Drained::Idle),
            Err(_) => {
                self.outlet = Outlet::Broken;
                let lost = mem::take(&mut self.queue);
                window.spent += lost.iter().map(|data| data.len() + FRAME_COST).sum::<usize>();
                Poll::Ready(Drained::Broke)
            }
        }
    }
}

fn write_all(
    writer: &mut Writer,
    queue: &mut VecDeque<Bytes>,
    spent: &mut usize,
    shutdown: bool,
    cx: &mut Context<'_>,
) -> Poll<io::Result<()>> {
    let mut writer = Pin::new(writer);
    while let Some(front) = queue.front() {
        let written = if queue.len() == 1 {
            ready!(writer.as_mut().poll_write(cx, front))?
        } else {
            let mut slices = [IoSlice::new(&[]); VECTOR];
            let mut used = 0;
            for (slice, data) in slices.iter_mut().zip(queue.iter()) {
                *slice = IoSlice::new(data);
                used += 1;
            }
            let slices = slices.get(..used).unwrap_or_default();
            ready!(writer.as_mut().poll_write_vectored(cx, slices))?
        };
        if written == 0 && !front.is_empty() {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        consume(queue, spent, written);
    }
    if shutdown {
        return writer.poll_shutdown(cx);
    }
    writer.poll_flush(cx)
}

/// Takes `written` bytes off the queue, and every piece that is empty after it.
fn consume(queue: &mut VecDeque<Bytes>, spent: &mut usize, mut written: usize) {
    *spent += written;
    while let Some(front) = queue.front_mut() {
        if written < front.len() {
            front.advance(written);
            return;
        }
        written -= front.len();
        queue.pop_front();
        *spent += FRAME_COST;
    }
}

impl fmt::Debug for Outlet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Awaited => "Awaited",
            Self::Open(_) => "Open",
            Self::Shut => "Shut",
            Self::Broken => "Broken",
        })
    }
}
