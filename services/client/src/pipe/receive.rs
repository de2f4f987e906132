//! What a frame of the edge does to a pipe.

use std::task::{Context, Poll};

use hoop_domain::EndReason;
use hoop_proto::v1::{
    self, ChannelClose, ChannelFailed, ChannelOpen, SessionEnd, channel_open::Kind, down,
    payload::Body,
};
use tokio_stream::Stream;
use tonic::Status;

use super::{Event, Pipe};
use crate::Error;

/// Frames that are taken before the writers get their turn: enough to write many small
/// pieces with one call, few enough that the first of them does not wait.
const BATCH: usize = 64;

/// Channels that one session may have open.
const MOST_CHANNELS: usize = 4096;

impl<S: Stream<Item = Result<v1::Down, Status>> + Unpin> Pipe<S> {
    /// Takes what is there. Pending: nothing more is there now.
    pub(super) fn poll_receive(&mut self, cx: &mut Context<'_>) -> Result<Poll<()>, Error> {
        for _ in 0..BATCH {
            match self.incoming.poll_frame(cx) {
                Poll::Pending => return Ok(Poll::Pending),
                Poll::Ready(frame) => self.receive(frame?)?,
            }
        }
        Ok(Poll::Ready(()))
    }

    fn receive(&mut self, frame: down::Frame) -> Result<(), Error> {
        match frame {
            down::Frame::Delivery(v1::Delivery { seq: _, payload }) => {
                let payload = payload.ok_or(Error::Violation("a delivery is empty"))?;
                let unknown = "a packet's kind is not one that this version knows";
                let body = payload.body.ok_or(Error::Violation(unknown))?;
                self.receive_body(payload.channel, body)
            }
            down::Frame::Credit(credit) => {
                self.sender.outbox().credit(credit.channel, credit.bytes);
                Ok(())
            }
            // Needed to resume a session, which comes with a later version.
            down::Frame::Received(_) => Ok(()),
            down::Frame::KeepAlive(_) | down::Frame::SessionClosed(_) => Ok(()),
            down::Frame::AgentWelcome(_)
            | down::Frame::SessionOpened(_)
            | down::Frame::SessionOpen(_)
            | down::Frame::Attached(_)
            | down::Frame::Notice(_) => {
                Err(Error::Violation("a frame came that has no place in a session"))
            }
        }
    }

    fn receive_body(&mut self, channel: u32, body: Body) -> Result<(), Error> {
        match body {
            Body::Data(data) => {
                // Data may cross the end of its channel on the way.
                let Some(open) = self.channels.get_mut(&channel) else { return Ok(()) };
                if !open.sink.push(data) {
                    return Err(Error::Violation("more data came than was granted"));
                }
                self.mark_busy(channel);
            }
            Body::ChannelOpen(ChannelOpen { kind }) => self.receive_open(channel, kind)?,
            Body::ChannelReady(ready) => {
                if self.channels.contains_key(&channel) {
                    let parameters = ready.parameters;
                    self.events.push_back(Event::Ready { channel, parameters });
                }
            }
            Body::ChannelClose(ChannelClose { abort: false }) => {
                if let Some(open) = self.channels.get_mut(&channel) {
                    open.sink.close();
                    self.mark_busy(channel);
                }
            }
            Body::ChannelClose(ChannelClose { abort: true }) => {
                if self.channels.contains_key(&channel) {
                    self.abort(channel)?;
                    self.events.push_back(Event::Finished { channel });
                }
            }
            Body::ChannelFailed(ChannelFailed { code, message }) => {
                if self.forget(channel) {
                    let reason = code.parse().unwrap_or(EndReason::TargetUnreachable);
                    self.events.push_back(Event::Failed { channel, reason, message });
                }
            }
            Body::ChannelCancel(_) => {
                let cancel = Event::Cancel { channel };
                if self.channels.contains_key(&channel) && !self.events.contains(&cancel) {
                    self.events.push_back(cancel);
                }
            }
            Body::Stderr(_) | Body::TerminalResize(_) | Body::ChannelExit(_) => {
                return Err(Error::Violation("a packet came that has no place on its channel"));
            }
            Body::SessionEnd(SessionEnd { code, message }) => {
                // An unknown reason is some newer way of ending it from outside.
                let reason = code.parse().unwrap_or(EndReason::Killed);
                self.events.push_back(Event::End { reason, message });
            }
        }
        Ok(())
    }

    fn receive_open(&mut self, channel: u32, kind: Option<Kind>) -> Result<(), Error> {
        if channel == 0 || self.channels.contains_key(&channel) {
            return Err(Error::Violation("a channel was opened under a number that is taken"));
        }
        if self.channels.len() >= MOST_CHANNELS {
            return Err(Error::Violation("too many channels were opened"));
        }
        self.begin(channel);
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
