//! One channel of a pipe: where its data goes, and what it is.

use std::task::{Context, Poll};

use bytes::Bytes;
use hoop_proto::v1::{ChannelExit, channel_open::Kind};

use super::sink::{Drained, Sink, Window, Writer};

/// What a channel carries, and at which end this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// One stream of bytes either way.
    Stream,
    /// A command that runs here.
    Runs,
    /// A command that runs at the other end.
    Calls,
}

#[derive(Debug)]
pub(super) struct Channel {
    pub(super) role: Role,
    /// The credit that data and stderr share.
    pub(super) window: Window,
    output: Sink,
    errors: Sink,
    pub(super) reader_ended: bool,
    /// The command is over, but not all of its output is written.
    pub(super) exit: Option<ChannelExit>,
}

impl Role {
    /// The role of who opens a channel, or of who is asked to.
    pub(super) const fn new(kind: Option<&Kind>, opener: bool) -> Self {
        match (kind, opener) {
            (Some(Kind::Exec(_)), true) => Self::Calls,
            (Some(Kind::Exec(_)), false) => Self::Runs,
            (Some(Kind::Postgres(_) | Kind::Tcp(_)) | None, _) => Self::Stream,
        }
    }
}

impl Channel {
    pub(super) const fn new(role: Role) -> Self {
        let errors = if matches!(role, Role::Calls) { Sink::new() } else { Sink::shut() };
        Self {
            role,
            window: Window::new(),
            output: Sink::new(),
            errors,
            reader_ended: false,
            exit: None,
        }
    }

    /// Where data goes, and stderr; without `errors`, stderr is thrown away.
    pub(super) fn attach(&mut self, output: Writer, errors: Option<Writer>) {
        self.output.attach(output);
        match errors {
            Some(errors) => self.errors.attach(errors),
            None => self.errors = Sink::shut(),
        }
    }

    /// Takes data; `false` when the peer had no credit for it.
    #[must_use]
    pub(super) fn push(&mut self, data: Bytes, cost: usize) -> bool {
        self.output.push(data, cost, &mut self.window)
    }

    /// Takes stderr; `false` when the peer had no credit for it.
    #[must_use]
    pub(super) fn push_errors(&mut self, data: Bytes, cost: usize) -> bool {
        self.errors.push(data, cost, &mut self.window)
    }

    /// The peer writes no more.
    pub(super) const fn close(&mut self) {
        self.output.close();
        self.errors.close();
    }

    /// What the peer is granted in all, if that is worth a frame.
    pub(super) fn grant(&mut self) -> Option<u64> {
        if self.output.closing() { None } else { self.window.grant() }
    }

    /// Whether the channel has nothing more to do at this end.
    pub(super) const fn over(&self) -> bool {
        match self.role {
            Role::Stream => self.reader_ended && self.output.over(),
            // What the client still sends has nobody to read it.
            Role::Runs => self.reader_ended,
            // Nobody reads what the client could still send.
            Role::Calls => self.output.over() && self.errors.over(),
        }
    }

    /// Writes what waits, as far as the writers take it.
    pub(super) fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<Drained> {
        let errors = self.errors.poll_drain(cx, &mut self.window);
        let output = self.output.poll_drain(cx, &mut self.window);
        match (output, errors) {
            (Poll::Ready(Drained::Broke), _) => Poll::Ready(Drained::Broke),
            (Poll::Pending, _) | (_, Poll::Pending) => Poll::Pending,
            (Poll::Ready(_), Poll::Ready(_)) if self.output.over() && self.errors.over() => {
                Poll::Ready(Drained::Shut)
            }
            (Poll::Ready(_), Poll::Ready(_)) => Poll::Ready(Drained::Idle),
        }
    }

    /// How the command ended, once all of its output is written.
    pub(super) fn take_exit(&mut self) -> Option<ChannelExit> {
        if self.output.empty() && self.errors.empty() { self.exit.take() } else { None }
    }
}
