//! Channels on which a command runs, from either end.

use hoop_proto::v1::{
    self, ChannelExit, ChannelReady, ExecOpen, TerminalResize, channel_open::Kind, payload::Body,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_stream::Stream;
use tonic::Status;

use super::Pipe;
use crate::Error;

impl<S: Stream<Item = Result<v1::Down, Status>> + Unpin> Pipe<S> {
    /// Asks the peer to run a command and returns the number of its channel.
    ///
    /// # Errors
    /// See [`Sender::send`](crate::stream::Sender::send).
    pub fn open_command(&mut self, open: ExecOpen) -> Result<u32, Error> {
        self.open(Kind::Exec(open))
    }

    /// The client's end: sends `stdin` to the command and writes what it prints, from now
    /// on. The end of `stdin` is the end of the command's standard input.
    pub fn attach_command(
        &mut self,
        channel: u32,
        stdin: impl AsyncRead + Send + Unpin + 'static,
        stdout: impl AsyncWrite + Send + Unpin + 'static,
        stderr: impl AsyncWrite + Send + Unpin + 'static,
    ) {
        if let Some(open) = self.channels.get_mut(&channel) {
            open.attach(Box::new(stdout), Some(Box::new(stderr)));
            self.mark_busy(channel);
            self.sender.outbox().attach(channel, Box::new(stdin));
        }
    }

    /// The client's end: the user's terminal has another size now.
    ///
    /// # Errors
    /// See [`Sender::send`](crate::stream::Sender::send).
    pub fn resize(&mut self, channel: u32, columns: u32, rows: u32) -> Result<(), Error> {
        if self.channels.contains_key(&channel) {
            self.sender.outbox().resize(channel, TerminalResize { columns, rows })?;
        }
        Ok(())
    }

    /// The agent's end: tells the peer that the command runs, and relays from now on. The
    /// channel ends after both outputs have ended and [`Pipe::exit`] was called. `false` when
    /// the channel is gone already.
    ///
    /// # Errors
    /// See [`Sender::send`](crate::stream::Sender::send).
    pub fn ready_command(
        &mut self,
        channel: u32,
        stdin: impl AsyncWrite + Send + Unpin + 'static,
        stdout: impl AsyncRead + Send + Unpin + 'static,
        stderr: Option<Box<dyn AsyncRead + Send + Unpin>>,
    ) -> Result<bool, Error> {
        let Some(open) = self.channels.get_mut(&channel) else { return Ok(false) };
        open.attach(Box::new(stdin), None);
        self.mark_busy(channel);
        let outbox = self.sender.outbox();
        outbox.push_payload(channel, Body::ChannelReady(ChannelReady::default()))?;
        outbox.attach_command(channel, Box::new(stdout), stderr);
        Ok(true)
    }

    /// The agent's end: the command is over. Said to the peer after its last output.
    pub fn exit(&mut self, channel: u32, code: i32, signal: i32) {
        self.sender.outbox().exit(channel, ChannelExit { code, signal });
    }
}
