//! Reading a recording, one segment at a time: however long it is, memory holds one.

mod body;
mod range;
mod reader;

use bytes::Bytes;
use futures_util::{Stream, stream};
use hoop_proto::v1;

use crate::{Error, error::chain};

pub(crate) use body::{PacketResponse, instant};
pub(crate) use range::{Range, window};
pub(crate) use reader::{Position, Reader, Stage, stored};

/// Pieces of a streamed answer are gathered to this size: small ones cost a syscall each.
const PIECE: usize = 64 * 1024;

/// A recording that can't be read, as an answer.
pub(crate) fn failed(error: hoop_store::recording::Error) -> Error {
    match error {
        hoop_store::recording::Error::Store(error) => error.into(),
        error => Error::internal(error),
    }
}

/// What an answer makes of packets while it is streamed.
pub(crate) trait Render: Send + 'static {
    /// Adds what `packet` comes to.
    fn packet(&mut self, packet: v1::Packet, piece: &mut Vec<u8>);
    /// Adds what comes after the last packet.
    fn end(&mut self, piece: &mut Vec<u8>);
}

impl Render for Box<dyn Render> {
    fn packet(&mut self, packet: v1::Packet, piece: &mut Vec<u8>) {
        self.as_mut().packet(packet, piece);
    }

    fn end(&mut self, piece: &mut Vec<u8>) {
        self.as_mut().end(piece);
    }
}

/// The answer as it comes. An error cuts it off, so that nobody takes a part for the whole.
pub(crate) fn streamed(
    reader: Reader,
    render: impl Render,
) -> impl Stream<Item = Result<Bytes, Error>> + Send {
    stream::try_unfold(Some((reader, render)), |state| async {
        let Some((mut reader, mut render)) = state else { return Ok(None) };
        let mut piece = Vec::with_capacity(PIECE);
        while piece.len() < PIECE {
            match reader.next().await {
                Ok(Some(packet)) => render.packet(packet, &mut piece),
                Ok(None) => {
                    render.end(&mut piece);
                    return Ok(Some((piece.into(), None)));
                }
                Err(error) => {
                    let session = reader.session();
                    tracing::error!(%session, cause = chain(&error), "a recording was cut off");
                    return Err(error);
                }
            }
        }
        Ok(Some((piece.into(), Some((reader, render)))))
    })
}
