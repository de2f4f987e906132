//! A stream of messages: one type byte, four bytes of length, the body.
//!
//! [`split`] is for the few messages that we read ourselves: it buffers a message and
//! bounds it. [`Scanner`] walks over a stream of any size and buffers five bytes.

use bytes::{Buf, Bytes, BytesMut};

/// Type byte and length.
pub const HEADER: usize = 5;

/// The length counts itself.
const LENGTH_FIELD: u32 = 4;

/// A stream that is not one of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A length below its own size.
    #[error("a message of type {} has an impossible length", tag.escape_ascii())]
    ImpossibleLength {
        /// The type byte.
        tag: u8,
    },
    /// Longer than what is sensible here.
    #[error("a message of type {} has {length} bytes, more than is allowed here", tag.escape_ascii())]
    TooLong {
        /// The type byte.
        tag: u8,
        /// Bytes in its body.
        length: u32,
    },
}

/// One message, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The type byte.
    pub tag: u8,
    /// Everything after the length.
    pub body: Bytes,
}

/// Takes the first message off `buffer`; `None` when it is not all there yet.
///
/// # Errors
/// When the length is impossible or the body has more than `largest` bytes. That is known
/// from the header, so a buffer never has to hold more than `HEADER + largest` bytes.
pub fn split(buffer: &mut BytesMut, largest: u32) -> Result<Option<Message>, Error> {
    let Some(header) = buffer.first_chunk::<HEADER>() else { return Ok(None) };
    let (tag, length) = parse_header(*header)?;
    if largest < length {
        return Err(Error::TooLong { tag, length });
    }
    let length = length as usize;
    if buffer.len() < HEADER + length {
        return Ok(None);
    }
    buffer.advance(HEADER);
    Ok(Some(Message { tag, body: buffer.split_to(length).freeze() }))
}

/// Appends a message whose body `fill` writes.
pub(crate) fn write(out: &mut Vec<u8>, tag: u8, fill: impl FnOnce(&mut Vec<u8>)) {
    out.push(tag);
    write_counted(out, fill);
}

/// Appends a message without a type byte: what a client sends first.
pub(crate) fn write_counted(out: &mut Vec<u8>, fill: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    fill(out);
    // What we write ourselves is nowhere near 2 GiB.
    let length = i32::try_from(out.len() - start).unwrap_or(i32::MAX);
    if let Some(field) = out.get_mut(start..).and_then(<[u8]>::first_chunk_mut::<4>) {
        *field = length.to_be_bytes();
    }
}

/// Appends a string and the zero byte that ends it; zero bytes inside are left out.
pub(crate) fn write_text(out: &mut Vec<u8>, text: &str) {
    out.extend(text.bytes().filter(|byte| *byte != 0));
    out.push(0);
}

const fn parse_header([tag, a, b, c, d]: [u8; HEADER]) -> Result<(u8, u32), Error> {
    // Lengths are signed on the wire.
    match u32::from_be_bytes([a, b, c, d]) {
        length @ LENGTH_FIELD..=0x7fff_ffff => Ok((tag, length - LENGTH_FIELD)),
        _ => Err(Error::ImpossibleLength { tag }),
    }
}

/// A step through a stream of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// A message begins; `length` bytes of body follow in [`Self::Body`] steps.
    Begin {
        /// The type byte.
        tag: u8,
        /// Bytes in the body; when there are none, no `Body` follows.
        length: u32,
    },
    /// A piece of the body, never empty.
    Body {
        /// The piece.
        piece: &'a [u8],
        /// Whether the message ends here.
        last: bool,
    },
}

/// Walks over messages in pieces as they come, without holding on to them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scanner {
    header: [u8; HEADER],
    have: u8,
    left: u32,
}

impl Scanner {
    /// The next step in `input`, which is advanced past it; `None` when more is needed.
    ///
    /// # Errors
    /// When a length is impossible. The stream makes no sense from there on.
    pub fn step<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Step<'a>>, Error> {
        if 0 < self.left {
            return Ok(self.body(input));
        }
        if self.have == 0
            && let Some((header, rest)) = input.split_first_chunk::<HEADER>()
        {
            *input = rest;
            return self.begin(*header).map(Some);
        }
        while let Some((first, rest)) = input.split_first() {
            *input = rest;
            if let Some(place) = self.header.get_mut(usize::from(self.have)) {
                *place = *first;
            }
            self.have += 1;
            if usize::from(self.have) == HEADER {
                self.have = 0;
                return self.begin(self.header).map(Some);
            }
        }
        Ok(None)
    }

    /// Whether everything seen so far is whole messages.
    #[must_use]
    pub const fn between_messages(&self) -> bool {
        self.left == 0 && self.have == 0
    }

    fn begin<'a>(&mut self, header: [u8; HEADER]) -> Result<Step<'a>, Error> {
        let (tag, length) = parse_header(header)?;
        self.left = length;
        Ok(Step::Begin { tag, length })
    }

    fn body<'a>(&mut self, input: &mut &'a [u8]) -> Option<Step<'a>> {
        let taken = input.len().min(self.left as usize);
        let (piece, rest) = input.split_at_checked(taken)?;
        if piece.is_empty() {
            return None;
        }
        *input = rest;
        self.left = self.left.saturating_sub(u32::try_from(taken).unwrap_or(u32::MAX));
        Some(Step::Body { piece, last: self.left == 0 })
    }
}

/// Whether a stream that passes by is between two messages, where one of ours fits in.
#[derive(Debug, Clone, Copy, Default)]
pub struct Boundary {
    scanner: Scanner,
    lost: bool,
}

impl Boundary {
    /// Some bytes passed.
    pub fn advance(&mut self, mut bytes: &[u8]) {
        while !self.lost {
            match self.scanner.step(&mut bytes) {
                Ok(Some(_)) => {}
                Ok(None) => return,
                Err(_) => self.lost = true,
            }
        }
    }

    /// Like [`Self::advance`], but only as far as the first place where a message may be put
    /// in; how many bytes that is. `None` when there is no such place up to the end of
    /// `bytes`; then all of them have passed.
    pub fn first(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut rest = bytes;
        while !self.reached() {
            if self.lost {
                return None;
            }
            match self.scanner.step(&mut rest) {
                Ok(Some(_)) => {}
                Ok(None) => return None,
                Err(_) => self.lost = true,
            }
        }
        Some(bytes.len() - rest.len())
    }

    /// Whether a message may be put in here.
    #[must_use]
    pub const fn reached(&self) -> bool {
        !self.lost && self.scanner.between_messages()
    }
}

#[cfg(test)]
mod tests;
