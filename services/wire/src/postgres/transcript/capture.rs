//! The messages of one direction, of which only the telling part is kept.

use super::{LONGEST_SQL, Sender};
use crate::postgres::frame::{Error, Scanner, Step};

/// Room for names and numbers beside the SQL of a message.
const BESIDE_SQL: usize = 1024;

/// A message that went by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message<'a> {
    pub(super) tag: u8,
    /// The beginning of the body, as far as it tells something.
    pub(super) kept: &'a [u8],
    /// Whether that is all of it.
    pub(super) whole: bool,
    /// Bytes of the message, header and all.
    pub(super) size: u64,
}

/// One direction.
#[derive(Debug, Default)]
pub(super) struct Capture {
    scanner: Scanner,
    tag: u8,
    length: u32,
    limit: usize,
    kept: Vec<u8>,
}

impl Capture {
    /// The next whole message in `input`, which is advanced past it.
    pub(super) fn next(
        &mut self,
        sender: Sender,
        input: &mut &[u8],
    ) -> Result<Option<Message<'_>>, Error> {
        while let Some(step) = self.scanner.step(input)? {
            let last = match step {
                Step::Begin { tag, length } => {
                    self.begin(sender, tag, length);
                    length == 0
                }
                Step::Body { piece, last } => {
                    let room = self.limit.saturating_sub(self.kept.len()).min(piece.len());
                    self.kept.extend_from_slice(piece.get(..room).unwrap_or_default());
                    last
                }
            };
            if last {
                return Ok(Some(Message {
                    tag: self.tag,
                    kept: &self.kept,
                    whole: self.kept.len() == self.length as usize,
                    size: u64::from(self.length) + 5,
                }));
            }
        }
        Ok(None)
    }

    fn begin(&mut self, sender: Sender, tag: u8, length: u32) {
        self.tag = tag;
        self.length = length;
        self.limit = telling(sender, tag);
        self.kept.clear();
    }
}

/// How much of a message tells something.
const fn telling(sender: Sender, tag: u8) -> usize {
    match (sender, tag) {
        (Sender::Client, b'Q' | b'P' | b'B') => LONGEST_SQL + BESIDE_SQL,
        (Sender::Client, b'E' | b'D' | b'C') => BESIDE_SQL,
        (Sender::Server, b't') => 64 * 1024,
        (Sender::Server, b'E') => 16 * 1024,
        (Sender::Server, b'C' | b'Z') => 256,
        _ => 0,
    }
}
