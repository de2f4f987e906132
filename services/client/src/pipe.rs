//! One end of a session: its channels, their readers and writers, and what happens to them.
//!
//! The owner of a [`Pipe`] waits for [`Event`]s; while it waits, data flows. A frame is
//! taken off HTTP/2 as soon as it is there and written at once or queued, and the queue is
//! bounded by the credit that was granted: a target that reads slowly stops its own channel
//! and nothing else. Session ids, numbers and flags are the edge's business; none is here.

mod channel;
mod command;
mod event;
mod receive;
mod resume;
mod sink;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, VecDeque},
    future::poll_fn,
    task::{Context, Poll, ready},
    time::Duration,
};

use hoop_domain::EndReason;
use hoop_proto::{
    packet::WINDOW,
    v1::{
        self, ChannelCancel, ChannelClose, ChannelExit, ChannelFailed, ChannelOpen, ChannelReady,
        Parameter, SessionEnd, TcpOpen, channel_open::Kind, down, payload::Body,
    },
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_stream::Stream;
use tonic::{Status, Streaming};

use crate::{Error, Incoming, stream::Sender};
use channel::{Channel, Role};
pub use event::Event;
use resume::Resuming;
pub use resume::{Received, Resumed, Resumer};
use sink::Drained;

/// One end of a session.
#[derive(Debug)]
pub struct Pipe<S = Streaming<v1::Down>> {
    sender: Sender,
    incoming: Incoming<S>,
    /// How to go on when the stream breaks, where that is possible.
    resumer: Option<Resumer<S>>,
    resuming: Option<Resuming<S>>,
    received: Received,
    /// What the other end takes per channel before it grants more.
    peer_window: u32,
    channels: BTreeMap<u32, Channel>,
    /// Channels whose writer has not taken everything yet.
    busy: Vec<u32>,
    events: VecDeque<Event>,
    /// The largest numbers under which a channel was opened, here and by the peer.
    last_opened: u32,
    peer_opened: u32,
    /// How the session ended: told after the exits of the commands whose output waits.
    end: Option<Event>,
    failed: Option<Error>,
}

impl<S: Stream<Item = Result<v1::Down, Status>> + Unpin> Pipe<S> {
    /// The session on a stream whose hello was answered. `peer_window` is what the answer
    /// says; 0 stands for the standard window.
    #[must_use]
    pub fn new(sender: Sender, incoming: Incoming<S>, peer_window: u32) -> Self {
        Self {
            sender,
            incoming,
            resumer: None,
            resuming: None,
            received: Received::default(),
            peer_window: if peer_window == 0 { WINDOW } else { peer_window },
            channels: BTreeMap::new(),
            busy: Vec::new(),
            events: VecDeque::new(),
            last_opened: 0,
            peer_opened: 0,
            end: None,
            failed: None,
        }
    }

    /// Goes on with another stream when the one there is breaks.
    #[must_use]
    pub fn resumable(mut self, resumer: Resumer<S>) -> Self {
        self.sender.outbox().keep();
        self.resumer = Some(resumer);
        self
    }

    /// Lets data flow until something happens. Cancel safe.
    ///
    /// # Errors
    /// When the session is over: the gateway closed it, the stream broke, or the peer does
    /// not keep to the protocol.
    pub async fn event(&mut self) -> Result<Event, Error> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    /// Asks the peer for a new channel and returns its number.
    ///
    /// # Errors
    /// See [`Sender::send`].
    pub fn open(&mut self, kind: Kind) -> Result<u32, Error> {
        self.last_opened += 1;
        let channel = self.last_opened;
        self.begin(channel, Role::new(Some(&kind), true));
        self.sender
            .outbox()
            .push_payload(channel, Body::ChannelOpen(ChannelOpen { kind: Some(kind) }))?;
        Ok(channel)
    }

    /// Asks the peer for a new channel of a TCP connection and returns its number.
    ///
    /// # Errors
    /// See [`Sender::send`].
    pub fn open_tcp(&mut self) -> Result<u32, Error> {
        self.open(Kind::Tcp(TcpOpen {}))
    }

    /// Tells the peer that the channel's target is reached, and relays from now on.
    ///
    /// # Errors
    /// See [`Sender::send`].
    pub fn ready(
        &mut self,
        channel: u32,
        parameters: Vec<Parameter>,
        reader: impl AsyncRead + Send + Unpin + 'static,
        writer: impl AsyncWrite + Send + Unpin + 'static,
    ) -> Result<(), Error> {
        if self.channels.contains_key(&channel) {
            self.sender
                .outbox()
                .push_payload(channel, Body::ChannelReady(ChannelReady { parameters }))?;
            self.attach(channel, reader, writer);
        }
        Ok(())
    }

    /// Relays between the channel and these two from now on.
    pub fn attach(
        &mut self,
        channel: u32,
        reader: impl AsyncRead + Send + Unpin + 'static,
        writer: impl AsyncWrite + Send + Unpin + 'static,
    ) {
        if let Some(open) = self.channels.get_mut(&channel) {
            open.attach(Box::new(writer), None);
            self.mark_busy(channel);
            self.sender.outbox().attach(channel, Box::new(reader));
        }
    }

    /// Tells the peer that the channel can't be had, and forgets it.
    ///
    /// # Errors
    /// See [`Sender::send`].
    pub fn fail(&mut self, channel: u32, reason: EndReason, message: &str) -> Result<(), Error> {
        let failed = ChannelFailed { code: reason.as_str().into(), message: message.into() };
        if self.forget(channel) {
            self.sender.outbox().push_payload(channel, Body::ChannelFailed(failed))?;
        }
        Ok(())
    }

    /// Cuts the channel off, both ways.
    ///
    /// # Errors
    /// See [`Sender::send`].
    pub fn abort(&mut self, channel: u32) -> Result<(), Error> {
        if self.forget(channel) {
            let close = ChannelClose { abort: true };
            self.sender.outbox().push_payload(channel, Body::ChannelClose(close))?;
        }
        Ok(())
    }

    /// Asks the peer to stop what runs on the channel.
    ///
    /// # Errors
    /// See [`Sender::send`].
    pub fn cancel(&mut self, channel: u32) -> Result<(), Error> {
        self.sender.outbox().push_payload(channel, Body::ChannelCancel(ChannelCancel {}))
    }

    /// Writes what has arrived, shuts the writers down and sends nothing more of the
    /// readers: the peer has said its last word.
    pub async fn settle(&mut self) {
        self.sender.outbox().close_all();
        for (channel, open) in &mut self.channels {
            open.close();
            self.busy.push(*channel);
        }
        poll_fn(|cx| {
            let channels = &mut self.channels;
            self.busy.retain(|channel| {
                channels.get_mut(channel).is_some_and(|open| open.poll_drain(cx).is_pending())
            });
            if self.busy.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Ends the session: every channel is dropped, `SessionEnd` is the last frame.
    pub fn end(&mut self, reason: EndReason, message: &str) {
        self.sender.outbox().close_all();
        self.channels.clear();
        self.busy.clear();
        let end = SessionEnd { code: reason.as_str().into(), message: message.into() };
        // An outbox that is full belongs to a peer that would not read this either.
        let _ = self.sender.outbox().push_payload(0, Body::SessionEnd(end));
        self.sender.outbox().finish();
    }

    /// Waits until the gateway has closed the stream as well, for at most `patience` while
    /// there is one. What still comes is dropped.
    pub async fn closed(&mut self, patience: Duration) {
        loop {
            let closed = poll_fn(|cx| {
                loop {
                    match ready!(self.poll_frame(cx)) {
                        Ok(Some(down::Frame::Received(received))) => {
                            let _ = self.sender.outbox().received(received.payloads);
                        }
                        Ok(_) => {}
                        Err(_) => return Poll::Ready(()),
                    }
                }
            });
            let done = tokio::time::timeout(patience, closed).await;
            // The last words are not lost with a stream.
            if done.is_ok() || self.resuming.is_none() {
                return;
            }
        }
    }

    fn begin(&mut self, channel: u32, role: Role) {
        self.sender.outbox().open(channel, self.peer_window);
        self.channels.insert(channel, Channel::new(role));
    }

    /// Drops both halves of a channel; says whether there was one.
    fn forget(&mut self, channel: u32) -> bool {
        self.sender.outbox().close(channel);
        self.channels.remove(&channel).is_some()
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Result<Event, Error>> {
        loop {
            while let Poll::Ready((channel, aborted)) = self.sender.outbox().poll_ended(cx) {
                self.reader_ended(channel, aborted);
            }
            let received = self.poll_receive(cx);
            self.poll_writers(cx)?;
            if let Some(event) = self.next_event() {
                return Poll::Ready(event);
            }
            if received.is_pending() {
                return Poll::Pending;
            }
        }
    }

    /// What to tell next. The end comes after everything that was under way before it.
    fn next_event(&mut self) -> Option<Result<Event, Error>> {
        if let Some(event) = self.events.pop_front() {
            return Some(Ok(event));
        }
        if self.channels.values().any(|open| open.exit.is_some()) {
            return None;
        }
        self.end.take().map(Ok).or_else(|| self.failed.take().map(Err))
    }

    fn poll_writers(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        let mut index = 0;
        while let Some(&channel) = self.busy.get(index) {
            let Some(open) = self.channels.get_mut(&channel) else {
                self.busy.swap_remove(index);
                continue;
            };
            let drained = open.poll_drain(cx);
            if let Some(bytes) = open.grant() {
                self.sender.outbox().grant(channel, bytes)?;
            }
            match drained {
                Poll::Pending => index += 1,
                Poll::Ready(drained) => {
                    self.busy.swap_remove(index);
                    self.drained(channel, drained)?;
                }
            }
        }
        Ok(())
    }

    fn drained(&mut self, channel: u32, drained: Drained) -> Result<(), Error> {
        let Some(open) = self.channels.get_mut(&channel) else { return Ok(()) };
        if let Some(ChannelExit { code, signal }) = open.take_exit() {
            self.events.push_back(Event::Exit { channel, code, signal });
        }
        match (drained, open.role) {
            (Drained::Idle, _) => {}
            (Drained::Shut, _) => self.finish_if_over(channel),
            // A command may well stop reading and go on printing.
            (Drained::Broke, Role::Runs) => {}
            (Drained::Broke, Role::Stream) if !open.reader_ended => {
                // The target may have said why before it hung up: read that first.
                self.sender.outbox().abort_at_end(channel);
            }
            // Nothing more can be read either, or nobody reads what the command prints:
            // tell the peer, which still writes.
            (Drained::Broke, Role::Stream | Role::Calls) => {
                self.abort(channel)?;
                self.events.push_back(Event::Finished { channel });
            }
        }
        Ok(())
    }

    fn reader_ended(&mut self, channel: u32, aborted: bool) {
        let Some(open) = self.channels.get_mut(&channel) else { return };
        open.reader_ended = true;
        self.events.push_back(Event::ReaderEnded { channel });
        if aborted {
            self.forget(channel);
            self.events.push_back(Event::Finished { channel });
        }
        self.finish_if_over(channel);
    }

    fn finish_if_over(&mut self, channel: u32) {
        if self.channels.get(&channel).is_some_and(Channel::over) {
            self.forget(channel);
            self.events.push_back(Event::Finished { channel });
        }
    }
}
