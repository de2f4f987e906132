//! A client that is not let in yet: a few bounded messages, against the clock.

use std::io;

use bytes::BytesMut;
use hoop_wire::postgres::{
    frame::{self, Message},
    startup::{self, First},
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::{
    error::Refusal,
    opener::Denied,
    patience::{Exhausted, Patience},
};

/// The first read; a start-up message is a fraction of this.
const FIRST_READ: usize = 1024;

/// A SASL message of ours has some 200 bytes.
const LARGEST_ANSWER: u32 = 8 * 1024;

/// Why a client was not let in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Nobody is there to be told.
    #[error("the client's connection broke")]
    Broken(#[from] io::Error),
    /// The same, politely.
    #[error("the client hung up")]
    HungUp,
    /// It used up its time.
    #[error("the client did not finish its login in time")]
    TooSlow,
    /// It is to be told.
    #[error("the client was refused: {0}")]
    Refused(Refusal),
}

impl From<Exhausted> for Error {
    fn from(Exhausted: Exhausted) -> Self {
        Self::TooSlow
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Denied> for Error {
    fn from(denied: Denied) -> Self {
        Self::Refused(denied.into())
    }
}

impl From<startup::Error> for Error {
    fn from(error: startup::Error) -> Self {
        Self::Refused(error.into())
    }
}

impl From<frame::Error> for Error {
    fn from(error: frame::Error) -> Self {
        Self::Refused(Refusal::new("08P01", error.to_string()))
    }
}

/// The connection and what was read of it ahead.
#[derive(Debug)]
pub(crate) struct Client<S> {
    pub(crate) io: S,
    pub(crate) buffer: BytesMut,
    pub(crate) patience: Patience,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub(crate) fn new(io: S, patience: Patience) -> Self {
        Self { io, buffer: BytesMut::new(), patience }
    }

    /// Reads once, at least one byte.
    pub(crate) async fn fill(&mut self) -> Result<(), Error> {
        self.buffer.reserve(FIRST_READ);
        match self.patience.wait(self.io.read_buf(&mut self.buffer)).await?? {
            0 => Err(Error::HungUp),
            _ => Ok(()),
        }
    }

    /// The next message without a type byte.
    pub(crate) async fn first(&mut self) -> Result<First, Error> {
        loop {
            if let Some(first) = startup::decode(&mut self.buffer)? {
                return Ok(first);
            }
            self.fill().await?;
        }
    }

    /// The next message, which answers a request of ours for a password.
    pub(crate) async fn answer(&mut self) -> Result<Message, Error> {
        let message = loop {
            if let Some(message) = frame::split(&mut self.buffer, LARGEST_ANSWER)? {
                break message;
            }
            self.fill().await?;
        };
        match message.tag {
            b'p' => Ok(message),
            // Good-bye.
            b'X' => Err(Error::HungUp),
            tag => Err(Error::Refused(Refusal::new(
                "08P01",
                format!("expected a SASL response, got a message of type {}", tag.escape_ascii()),
            ))),
        }
    }

    /// Writes, and counts it as the client's time: it has to read.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let io = &mut self.io;
        self.patience
            .wait(async {
                io.write_all(bytes).await?;
                io.flush().await
            })
            .await??;
        Ok(())
    }
}
