//! Pieces that go out in one write.

use std::{collections::VecDeque, io::IoSlice};

use bytes::{Buf, Bytes};

/// As many as one vectored write takes in.
const MOST: usize = 16;

/// A queue of pieces that reads as one buffer.
#[derive(Debug, Default)]
pub(crate) struct Pieces {
    queue: VecDeque<Bytes>,
    length: usize,
}

impl Pieces {
    pub(crate) fn push(&mut self, piece: Bytes) {
        if !piece.is_empty() {
            self.length += piece.len();
            self.queue.push_back(piece);
        }
    }

    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        self.length < bytes && self.queue.len() < MOST
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Bytes> {
        self.queue.iter()
    }
}

impl IntoIterator for Pieces {
    type Item = Bytes;
    type IntoIter = std::collections::vec_deque::IntoIter<Bytes>;

    fn into_iter(self) -> Self::IntoIter {
        self.queue.into_iter()
    }
}

impl Buf for Pieces {
    fn remaining(&self) -> usize {
        self.length
    }

    fn chunk(&self) -> &[u8] {
        self.queue.front().map(AsRef::as_ref).unwrap_or_default()
    }

    fn advance(&mut self, mut count: usize) {
        while let Some(first) = self.queue.front_mut() {
            let taken = count.min(first.len());
            first.advance(taken);
            self.length = self.length.saturating_sub(taken);
            count -= taken;
            if first.is_empty() {
                self.queue.pop_front();
            }
            if count == 0 {
                break;
            }
        }
        if self.queue.is_empty() && MOST < self.queue.capacity() {
            self.queue = VecDeque::new();
        }
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let filled = slices.iter_mut().zip(&self.queue);
        filled.map(|(slice, piece)| *slice = IoSlice::new(piece)).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_read_as_one_buffer() {
        let mut pieces = Pieces::default();
        for piece in ["ab", "", "cde", "f"] {
            pieces.push(Bytes::from_static(piece.as_bytes()));
        }
        assert_eq!(pieces.remaining(), 6);
        let mut slices = [IoSlice::new(&[]); 2];
        assert_eq!(pieces.chunks_vectored(&mut slices), 2);
        assert_eq!((&*slices[0], &*slices[1]), (&b"ab"[..], &b"cde"[..]));
        pieces.advance(3);
        assert_eq!(pieces.chunk(), b"de");
        assert_eq!(pieces.copy_to_bytes(3).as_ref(), b"def");
        assert!(!pieces.has_remaining());
    }

    #[test]
    fn there_is_room_up_to_a_number_of_bytes() {
        let mut pieces = Pieces::default();
        assert!(pieces.has_room(1));
        pieces.push(Bytes::from_static(b"a"));
        assert!(!pieces.has_room(1));
    }
}
