//! What waits to be sent on one stream: frames, and the readers of its channels.
//!
//! tonic's sending task polls [`Outbox::poll_frame`], which reads the channels' sockets
//! itself, so a packet reaches HTTP/2 without a task or a queue in between. A channel is
//! read only while it has credit; back-pressure needs no buffer.

mod lane;

use std::{
    collections::{BTreeMap, VecDeque},
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::BytesMut;
use hoop_proto::v1::{self, payload, up};

use crate::Error;
pub(crate) use lane::{Lane, Reader};

/// Frames that may wait while tonic does not send. Each answers something of the peer's,
/// so more than this means a peer that asks and does not listen.
const LONGEST_QUEUE: usize = 4096;

/// The sending side of a stream, shared by tonic's task and the stream's owner.
#[derive(Debug)]
pub(crate) struct Outbox(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    frames: VecDeque<up::Frame>,
    lanes: BTreeMap<u32, Lane>,
    /// The channel that is asked first, so that a busy one does not starve the rest.
    cursor: u32,
    /// Shared by the lanes: an idle stream holds no buffer at all.
    buffer: BytesMut,
    /// Channels whose reader ended, and whether that aborted them, for the owner.
    ended: VecDeque<(u32, bool)>,
    ending: bool,
    sending_task: Option<Waker>,
    owning_task: Option<Waker>,
}

impl Outbox {
    /// An outbox whose first frame is `hello`.
    pub(crate) fn new(hello: up::Frame) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State { frames: [hello].into(), ..State::default() })))
    }

    /// Sends `frame` before any more data.
    pub(crate) fn push(&self, frame: up::Frame) -> Result<(), Error> {
        let mut state = self.state();
        if state.ending {
            return Ok(());
        }
        if state.frames.len() >= LONGEST_QUEUE {
            return Err(Error::Violation("the gateway asks for more than it takes"));
        }
        state.frames.push_back(frame);
        wake_sender(state);
        Ok(())
    }

    /// Sends a payload other than data.
    pub(crate) fn push_payload(&self, channel: u32, body: payload::Body) -> Result<(), Error> {
        self.push(up::Frame::Payload(v1::Payload { channel, body: Some(body) }))
    }

    /// Grants the peer `bytes` more on `channel`; joins a grant that still waits.
    pub(crate) fn grant(&self, channel: u32, bytes: u32) -> Result<(), Error> {
        for frame in &mut self.state().frames {
            if let up::Frame::Credit(waiting) = frame
                && waiting.channel == channel
            {
                waiting.bytes = waiting.bytes.saturating_add(bytes);
                return Ok(());
            }
        }
        self.push(up::Frame::Credit(v1::Credit { channel, bytes }))
    }

    /// Begins a channel whose peer takes `window` bytes before it grants more.
    pub(crate) fn open(&self, channel: u32, window: u32) {
        self.state().lanes.insert(channel, Lane::new(window));
    }

    /// Sends what `reader` gives, until it ends.
    pub(crate) fn attach(&self, channel: u32, reader: Reader) {
        let mut state = self.state();
        if let Some(lane) = state.lanes.get_mut(&channel) {
            lane.attach(reader);
            wake_sender(state);
        }
    }

    /// Sends what a command prints, until both readers end and its exit is known.
    pub(crate) fn attach_command(&self, channel: u32, output: Reader, errors: Option<Reader>) {
        let mut state = self.state();
        if let Some(lane) = state.lanes.get_mut(&channel) {
            lane.attach_command(output, errors);
            wake_sender(state);
        }
    }

    /// The command of `channel` is over: said after its last output.
    pub(crate) fn exit(&self, channel: u32, exit: v1::ChannelExit) {
        let mut state = self.state();
        if let Some(lane) = state.lanes.get_mut(&channel) {
            lane.exit(exit);
            wake_sender(state);
        }
    }

    /// Tells the peer a terminal's size; takes the place of one that still waits.
    pub(crate) fn resize(&self, channel: u32, size: v1::TerminalResize) -> Result<(), Error> {
        for frame in &mut self.state().frames {
            if let up::Frame::Payload(v1::Payload {
                channel: other,
                body: Some(payload::Body::TerminalResize(waiting)),
            }) = frame
                && *other == channel
            {
                *waiting = size;
                return Ok(());
            }
        }
        self.push_payload(channel, payload::Body::TerminalResize(size))
    }

    /// The peer takes `bytes` more on `channel`.
    pub(crate) fn credit(&self, channel: u32, bytes: u32) {
        let mut state = self.state();
        if state.lanes.get_mut(&channel).is_some_and(|lane| lane.credit(bytes)) {
            wake_sender(state);
        }
    }

    /// When the reader of `channel` ends, the channel is aborted and not half-closed.
    pub(crate) fn abort_at_end(&self, channel: u32) {
        if let Some(lane) = self.state().lanes.get_mut(&channel) {
            lane.abort_at_end();
        }
    }

    /// Forgets a channel and drops its reader.
    pub(crate) fn close(&self, channel: u32) {
        let lane = self.state().lanes.remove(&channel);
        drop(lane);
    }

    /// Drops every reader; what was pushed before is still sent.
    pub(crate) fn close_all(&self) {
        let lanes = std::mem::take(&mut self.state().lanes);
        drop(lanes);
    }

    /// Ends the stream after what was pushed before.
    pub(crate) fn finish(&self) {
        self.close_all();
        let mut state = self.state();
        state.ending = true;
        wake_sender(state);
    }

    /// Nobody sends any more.
    pub(crate) fn abandon(&self) {
        let abandoned = State { ending: true, ..State::default() };
        let state = std::mem::replace(&mut *self.state(), abandoned);
        if let Some(owner) = state.owning_task {
            owner.wake();
        }
    }

    /// The next channel whose reader ended, and whether its `ChannelClose`, which is on the
    /// way already, aborts it.
    pub(crate) fn poll_ended(&self, cx: &Context<'_>) -> Poll<(u32, bool)> {
        let mut state = self.state();
        match state.ended.pop_front() {
            Some(ended) => Poll::Ready(ended),
            None => {
                remember(&mut state.owning_task, cx);
                Poll::Pending
            }
        }
    }

    /// The next frame to send; `None` when the stream is over.
    pub(crate) fn poll_frame(&self, cx: &mut Context<'_>) -> Poll<Option<up::Frame>> {
        let mut state = self.state();
        if let Some(frame) = state.frames.pop_front() {
            return Poll::Ready(Some(frame));
        }
        if state.ending {
            return Poll::Ready(None);
        }
        if let Poll::Ready(payload) = state.poll_lanes(cx) {
            return Poll::Ready(Some(up::Frame::Payload(payload)));
        }
        remember(&mut state.sending_task, cx);
        Poll::Pending
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic in a reader's poll leaves nothing half-done here.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn poll_lanes(&mut self, cx: &mut Context<'_>) -> Poll<v1::Payload> {
        let (from, to) = (Bound::Included(self.cursor), Bound::Excluded(self.cursor));
        let mut sent = None;
        for pass in [(from, Bound::Unbounded), (Bound::Unbounded, to)] {
            sent = self.lanes.range_mut(pass).find_map(|(&channel, lane)| {
                match lane.poll(cx, &mut self.buffer) {
                    Poll::Ready(body) => Some((channel, body)),
                    Poll::Pending => None,
                }
            });
            if sent.is_some() {
                break;
            }
        }
        let Some((channel, body)) = sent else {
            // Nothing to read: an idle stream must not hold 64 KiB.
            self.buffer = BytesMut::new();
            return Poll::Pending;
        };
        if let payload::Body::ChannelClose(close) = &body {
            self.ended.push_back((channel, close.abort));
            if let Some(owner) = self.owning_task.take() {
                owner.wake();
            }
        }
        self.cursor = channel.wrapping_add(1);
        Poll::Ready(v1::Payload { channel, body: Some(body) })
    }
}

/// Wakes tonic's task, which then finds the lock free.
fn wake_sender(mut state: MutexGuard<'_, State>) {
    let sender = state.sending_task.take();
    drop(state);
    if let Some(sender) = sender {
        sender.wake();
    }
}

fn remember(slot: &mut Option<Waker>, cx: &Context<'_>) {
    if !slot.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
        *slot = Some(cx.waker().clone());
    }
}
