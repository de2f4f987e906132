//! What a frame of the edge does to a pipe.

use std::task::{Context, Poll, ready};

use hoop_domain::EndReason;
use hoop_proto::v1::{
    self, ChannelClose, ChannelFailed, ChannelOpen, SessionEnd, channel_open::Kind, down,
    payload::Body,
};
use tokio_stream::Stream;
use tonic::Status;

use super::{Event, Pipe, channel::Role};
use crate::Error;

/// Frames that are taken before the writers get their turn: enough to write many small
/// pieces with one call, few enough that the first of them does not wait.
const BATCH: usize = 64;

/// Channels that one session may have open.
const MOST_CHANNELS: usize = 4096;

impl<S: Stream<Item = Result<v1::Down, Status>> + Unpin> Pipe<S> {
    /// Takes what is there, unless the owner has something to hear first. Pending: nothing
    /// more is there now, or ever.
    pub(super) fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.failed.is_some() {
            return Poll::Pending;
        }
        if !self.events.is_empty() {
            return Poll::Ready(());
        }
        for _ in 0..BATCH {
            let received = match ready!(self.poll_frame(cx)) {
                Ok(Some(frame)) => self.receive(frame),
                Ok(None) => return Poll::Ready(()),
                Err(error) => Err(error),
            };
            if let Err(error) = received {
                self.failed = Some(error);
                return Poll::Ready(());
            }
        }
        Poll::Ready(())
    }

    fn receive(&mut self, frame: down::Frame) -> Result<(), Error> {
        match frame {
            down::Frame::Delivery(v1::Delivery { seq, payload, pieces }) => {
                self.received.seq = seq;
                self.received.payloads += u64::from(pieces.max(1));
                let payload = payload.ok_or(Error::Violation("a delivery is empty"))?;
                let cost = payload.cost_of(pieces);
                let unknown = "a packet's kind is not one that this version knows";
                let body = payload.body.ok_or(Error::Violation(unknown))?;
                self.receive_body(payload.channel, body, cost)
            }
            down::Frame::Credit(credit) => {
                self.sender.outbox().credit(credit.channel, credit.total);
                Ok(())
            }
            down::Frame::Received(received) => self.sender.outbox().received(received.payloads),
            down::Frame::KeepAlive(_) | down::Frame::SessionClosed(_) => Ok(()),
            down::Frame::Notice(v1::Notice { message }) => {
                self.events.push_back(Event::Notice { message });
                Ok(())
            }
            down::Frame::AgentWelcome(_)
            | down::Frame::SessionOpened(_)
            | down::Frame::SessionOpen(_)
            | down::Frame::Resumed(_)
            | down::Frame::Attached(_) => {
                Err(Error::Violation("a frame came that has no place in a session"))
            }
        }
    }

    fn receive_body(&mut self, channel: u32, body: Body, cost: usize) -> Result<(), Error> {
        match body {
            Body::ChannelOpen(ChannelOpen { kind }) => return self.receive_open(channel, kind),
            Body::SessionEnd(SessionEnd { code, message }) => {
                // An unknown reason is some newer way of ending it from outside.
                let reason = code.parse().unwrap_or(EndReason::Killed);
                self.end = Some(Event::End { reason, message });
                return Ok(());
            }
            _ => {}
        }
        if self.last_opened.max(self.peer_opened) < channel || channel == 0 {
            return Err(Error::Violation("a packet came for a channel that was never opened"));
        }
        // Anything may cross the end of its channel on the way.
        let Some(open) = self.channels.get_mut(&channel) else { return Ok(()) };
        let role = open.role;
        match body {
            Body::Data(data) => {
                let granted = open.push(data, cost);
                self.received(channel, granted)?;
            }
            Body::Stderr(data) if role == Role::Calls => {
                let granted = open.push_errors(data, cost);
                self.received(channel, granted)?;
            }
            Body::ChannelExit(exit) if role == Role::Calls => {
                open.exit = Some(exit);
                self.mark_busy(channel);
            }
            Body::TerminalResize(size) if role == Role::Runs => self.receive_resize(channel, size),
            Body::Stderr(_) | Body::TerminalResize(_) | Body::ChannelExit(_) => {
                return Err(Error::Violation("a packet came that has no place on its channel"));
            }
            Body::ChannelReady(ready) => {
                self.events.push_back(Event::Ready { channel, parameters: ready.parameters });
            }
            Body::ChannelClose(ChannelClose { abort: false }) => {
                open.close();
                self.mark_busy(channel);
            }
            Body::ChannelClose(ChannelClose { abort: true }) => {
                self.abort(channel)?;
                self.events.push_back(Event::Finished { channel });
            }
            Body::ChannelFailed(ChannelFailed { code, message }) => {
                self.forget(channel);
                let reason = code.parse().unwrap_or(EndReason::TargetUnreachable);
                self.events.push_back(Event::Failed { channel, reason, message });
            }
            Body::ChannelCancel(_) => {
                let cancel = Event::Cancel { channel };
                if !self.events.contains(&cancel) {
                    self.events.push_back(cancel);
                }
            }
            Body::ChannelOpen(_) | Body::SessionEnd(_) => {}
        }
        Ok(())
    }

    fn received(&mut self, channel: u32, granted: bool) -> Result<(), Error> {
        if !granted {
            return Err(Error::Violation("more data came than was granted"));
        }
        self.mark_busy(channel);
        Ok(())
    }

    /// The latest size is the one that counts.
    fn receive_resize(&mut self, channel: u32, size: v1::TerminalResize) {
        let v1::TerminalResize { columns, rows } = size;
        let resize = Event::Resize { channel, columns, rows };
        let waiting = self.events.iter_mut().find(
            |event| matches!(event, Event::Resize { channel: other, .. } if *other == channel),
        );
        match waiting {
            Some(waiting) => *waiting = resize,
            None => self.events.push_back(resize),
        }
    }

    fn receive_open(&mut self, channel: u32, kind: Option<Kind>) -> Result<(), Error> {
        if channel <= self.peer_opened || self.channels.contains_key(&channel) {
            return Err(Error::Violation("a channel was opened under a number that is taken"));
        }
        if self.channels.len() >= MOST_CHANNELS {
            return Err(Error::Violation("too many channels were opened"));
        }
        self.peer_opened = channel;
        self.begin(channel, Role::new(kind.as_ref(), false));
        match kind {
            Some(kind) => self.events.push_back(Event::Open { channel, kind }),
            None => self.fail(
                channel,
                EndReason::Misconfigured,
                "this version of the agent does not know the kind of channel that was asked for",
            )?,
        }
        Ok(())
    }

    pub(super) fn mark_busy(&mut self, channel: u32) {
        if !self.busy.contains(&channel) {
            self.busy.push(channel);
        }
    }
}
