//! Sentences for the person that wait for a place in the stream.

use std::collections::VecDeque;

use bytes::Bytes;
use hoop_wire::postgres::{
    error::{Severity, encode},
    frame::Boundary,
};

use crate::pieces::Pieces;

/// More than these waiting are not news: the oldest goes.
const MOST: usize = 4;

/// PostgreSQL's code of a warning that has no other.
const WARNING: &str = "01000";

/// What is to be said as soon as a message may begin.
#[derive(Debug, Default)]
pub(crate) struct Notices(VecDeque<String>);

impl Notices {
    pub(crate) fn push(&mut self, sentence: String) {
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        self.0.push_back(sentence);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them as messages; none is left.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        for sentence in std::mem::take(&mut self.0) {
            encode(&mut out, Severity::Warning, WARNING, &sentence, None);
        }
        out
    }

    /// Counts `pieces`, and puts everything that waits into the first place between two
    /// messages. Bytes are neither copied nor held back: a piece is cut in two at most.
    pub(crate) fn weave(&mut self, pieces: &mut Pieces, boundary: &mut Boundary) {
        let mut woven = Pieces::default();
        for mut piece in std::mem::take(pieces) {
            if self.is_empty() {
                boundary.advance(&piece);
            } else if let Some(place) = boundary.first(&piece) {
                woven.push(piece.split_to(place.min(piece.len())));
                woven.push(Bytes::from(self.take()));
                boundary.advance(&piece);
            }
            woven.push(piece);
        }
        if !self.is_empty() && boundary.reached() {
            woven.push(Bytes::from(self.take()));
        }
        *pieces = woven;
    }
}

#[cfg(test)]
mod tests {
    use bytes::Buf;

    use super::*;

    /// What comes out of `pieces` with a notice that waits since before the first.
    fn woven(boundary: &mut Boundary, notices: &mut Notices, pieces: &[&'static [u8]]) -> Vec<u8> {
        let mut queue = Pieces::default();
        for piece in pieces {
            queue.push(Bytes::from_static(piece));
        }
        notices.weave(&mut queue, boundary);
        queue.copy_to_bytes(queue.remaining()).to_vec()
    }

    fn one() -> (Notices, Vec<u8>) {
        let mut notices = Notices::default();
        notices.push("soon".to_owned());
        let bytes = notices.take();
        notices.push("soon".to_owned());
        (notices, bytes)
    }

    #[test]
    fn between_two_messages_it_goes_out_at_once() {
        let (mut notices, bytes) = one();
        assert_eq!(woven(&mut Boundary::default(), &mut notices, &[]), bytes);
        assert!(notices.is_empty());
    }

    #[test]
    fn in_the_middle_of_a_message_it_waits_for_its_end() {
        const MESSAGE: &[u8] = b"D\0\0\0\x08abcdZ\0\0\0\x05I";
        for cut in 1..9 {
            let (mut notices, bytes) = one();
            let mut boundary = Boundary::default();
            boundary.advance(&MESSAGE[..cut]);
            let expected = [&MESSAGE[cut..9], &bytes, &MESSAGE[9..]].concat();
            assert_eq!(woven(&mut boundary, &mut notices, &[&MESSAGE[cut..]]), expected, "{cut}");
            assert!(boundary.reached());
        }
    }

    #[test]
    fn a_message_that_does_not_end_yet_keeps_it_waiting() {
        let (mut notices, bytes) = one();
        let mut boundary = Boundary::default();
        boundary.advance(b"D\0\0\0\x08a");
        assert_eq!(woven(&mut boundary, &mut notices, &[b"b", b"c"]), b"bc");
        assert_eq!(woven(&mut boundary, &mut notices, &[b"d"]), [b"d", &bytes[..]].concat());
    }

    #[test]
    fn a_stream_that_makes_no_sense_gets_none() {
        let (mut notices, _) = one();
        let mut boundary = Boundary::default();
        boundary.advance(b"D\0\0\0\0");
        assert_eq!(woven(&mut boundary, &mut notices, &[b"more"]), b"more");
    }

    #[test]
    fn few_of_them_wait() {
        let mut notices = Notices::default();
        for number in 0..100 {
            notices.push(number.to_string());
        }
        assert_eq!(notices.0, ["96", "97", "98", "99"]);
    }
}
