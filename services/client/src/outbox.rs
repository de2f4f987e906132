//! What waits to be sent on one stream: frames, and the readers of its channels.
//!
//! tonic's sending task polls [`Outbox::poll_frame`], which reads the channels' sockets
//! itself, so a packet reaches HTTP/2 without a task or a queue in between. A channel is
//! read only while it has credit; back-pressure needs no buffer.

mod lane;
mod sent;

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
use sent::Sent;

/// Frames that may wait while tonic does not send. Each answers something of the peer's,
/// so more than this means a peer that asks and does not listen.
const LONGEST_QUEUE: usize = 4096;

/// The sending side of a stream, shared by tonic's task and the stream's owner.
#[derive(Debug)]
pub(crate) struct Outbox(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The first frame of the stream, until it is sent.
    hello: Option<up::Frame>,
    /// Which stream sends; one that broke may still ask for a while.
    stream: u64,
    /// A stream that resumes a session sends nothing but its hello until that is answered.
    waiting: bool,
    frames: VecDeque<up::Frame>,
    sent: Sent,
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
        Arc::new(Self(Mutex::new(State { hello: Some(hello), ..State::default() })))
    }

    /// Keeps from now on what is sent, until it is recorded, so that the stream can be
    /// replaced by another one.
    pub(crate) fn keep(&self) {
        self.state().sent.keep();
    }

    /// Begins another stream with `hello` in the place of the one before. Returns its number.
    pub(crate) fn begin(&self, hello: up::Frame) -> u64 {
        let mut state = self.state();
        state.stream += 1;
        state.hello = Some(hello);
        state.waiting = true;
        state.stream
    }

    /// The stream goes on: `payloads` of what was sent are recorded, the rest is sent again,
    /// after what is said of the channels, of which this end has `granted` so much.
    pub(crate) fn resume(&self, payloads: u64, granted: &[(u32, u64)]) -> Result<(), Error> {
        let mut state = self.state();
        state.sent.resume(payloads)?;
        let states = granted.iter().filter_map(|&(channel, granted)| {
            let lane = state.lanes.get(&channel)?;
            let spent = lane.spent().saturating_sub(state.sent.unrecorded_cost(channel));
            Some(v1::ChannelState { channel, spent, total: lane.total(), granted })
        });
        let states = v1::ChannelStates { channels: states.collect() };
        state.hello = Some(up::Frame::ChannelStates(states));
        state.waiting = false;
        wake_sender(state);
        Ok(())
    }

    /// So many payloads are recorded.
    pub(crate) fn received(&self, payloads: u64) -> Result<(), Error> {
        self.state().sent.received(payloads)
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

    /// Grants the peer `total` on `channel` in all; takes the place of a grant that still waits.
    pub(crate) fn grant(&self, channel: u32, total: u64) -> Result<(), Error> {
        for frame in &mut self.state().frames {
            if let up::Frame::Credit(waiting) = frame
                && waiting.channel == channel
            {
                waiting.total = total;
                return Ok(());
            }
        }
        self.push(up::Frame::Credit(v1::Credit { channel, total }))
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

    /// The peer takes `total` on `channel` in all.
    pub(crate) fn credit(&self, channel: u32, total: u64) {
        let mut state = self.state();
        if state.lanes.get_mut(&channel).is_some_and(|lane| lane.credit(total)) {
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

    /// Nobody sends on `stream` any more. Readers that nobody polls must not stay open, unless
    /// another stream may follow.
    pub(crate) fn abandon(&self, stream: u64) {
        let mut state = self.state();
        if state.stream != stream || state.sent.keeps() {
            return;
        }
        let abandoned = State { ending: true, stream, ..State::default() };
        let state = std::mem::replace(&mut *state, abandoned);
        if let Some(owner) = state.owning_task {
            owner.wake();
        }
    }

    /// No other stream will follow.
    pub(crate) fn keep_no_more(&self) {
        self.state().sent = Sent::default();
    }

    /// Nobody sends any more, on any stream.
    pub(crate) fn give_up(&self) {
        let stream = {
            let mut state = self.state();
            state.sent = Sent::default();
            state.stream
        };
        self.abandon(stream);
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

    /// The next frame to send on `stream`; `None` when that is over.
    pub(crate) fn poll_frame(&self, stream: u64, cx: &mut Context<'_>) -> Poll<Option<up::Frame>> {
        let mut state = self.state();
        if state.stream != stream {
            return Poll::Ready(None);
        }
        if let Some(hello) = state.hello.take() {
            return Poll::Ready(Some(hello));
        }
        if state.waiting {
            remember(&mut state.sending_task, cx);
            return Poll::Pending;
        }
        if let Some(payload) = state.sent.again() {
            return Poll::Ready(Some(up::Frame::Payload(payload)));
        }
        if let Some(frame) = state.frames.pop_front() {
            if let up::Frame::Payload(payload) = &frame {
                state.sent.note(payload);
            }
            return Poll::Ready(Some(frame));
        }
        if state.ending {
            return Poll::Ready(None);
        }
        if let Poll::Ready(payload) = state.poll_lanes(cx) {
            state.sent.note(&payload);
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
