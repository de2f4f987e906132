//! Data that has arrived already, gathered into one packet.

use bytes::{Bytes, BytesMut};
use hoop_proto::{self as proto, packet, payload};

/// Pieces are gathered up to this size: one packet is on its way at a time, so that what
/// travels per round trip to the broker is what bounds a bulk transfer.
const ENOUGH: usize = 192 * 1024;

/// Data of one channel that is to become one packet.
pub(super) struct Gathered {
    channel: u32,
    kind: Kind,
    pieces: Vec<Bytes>,
    len: usize,
}

/// What is never mixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Data,
    Stderr,
}

fn data_of(payload: &proto::Payload) -> Option<(Kind, &Bytes)> {
    match &payload.body {
        Some(payload::Body::Data(data)) => Some((Kind::Data, data)),
        Some(payload::Body::Stderr(data)) => Some((Kind::Stderr, data)),
        _ => None,
    }
}

impl Gathered {
    /// Begins with `payload` if it is data, else gives it back.
    pub(super) fn begin(payload: proto::Payload) -> Result<Self, proto::Payload> {
        let Some((kind, first)) = data_of(&payload) else { return Err(payload) };
        let (len, pieces) = (first.len(), vec![first.clone()]);
        Ok(Self { channel: payload.channel, kind, pieces, len })
    }

    pub(super) const fn channel(&self) -> u32 {
        self.channel
    }

    /// Whether more is welcome.
    pub(super) const fn has_room(&self) -> bool {
        self.len < ENOUGH
    }

    /// Takes in `payload` if it is the same kind of data of the same channel and fits, else
    /// gives it back.
    pub(super) fn add(&mut self, payload: proto::Payload) -> Result<(), proto::Payload> {
        match data_of(&payload) {
            Some((kind, more))
                if payload.channel == self.channel
                    && kind == self.kind
                    && self.len + more.len() <= packet::LARGEST_DATA =>
            {
                self.len += more.len();
                self.pieces.push(more.clone());
                Ok(())
            }
            _ => Err(payload),
        }
    }

    /// The payload, and of how many pieces it is made. A lone piece is not
    /// copied, others are once, into a buffer of their size.
    pub(super) fn finish(self) -> (proto::Payload, u64) {
        let data = match self.pieces.as_slice() {
            [only] => only.clone(),
            pieces => {
                let mut whole = BytesMut::with_capacity(self.len);
                pieces.iter().for_each(|piece| whole.extend_from_slice(piece));
                whole.freeze()
            }
        };
        let body = match self.kind {
            Kind::Data => payload::Body::Data(data),
            Kind::Stderr => payload::Body::Stderr(data),
        };
        let pieces = u64::try_from(self.pieces.len()).unwrap_or(u64::MAX);
        (proto::Payload { channel: self.channel, body: Some(body) }, pieces)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(channel: u32, text: &'static str) -> proto::Payload {
        proto::Payload::data(channel, Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn what_was_gathered_is_what_came_in_order() {
        let mut gathered = Gathered::begin(data(1, "ab")).unwrap_or_else(|_| unreachable!());
        assert!(gathered.add(data(1, "cd")).is_ok());
        assert!(gathered.add(data(1, "e")).is_ok());
        assert_eq!(gathered.add(data(2, "x")), Err(data(2, "x")));
        assert_eq!(gathered.finish(), (data(1, "abcde"), 3));
    }

    #[test]
    fn output_and_errors_and_what_comes_between_are_not_mixed() {
        let stderr = |text: &'static str| {
            let body = payload::Body::Stderr(Bytes::from_static(text.as_bytes()));
            proto::Payload { channel: 1, body: Some(body) }
        };
        let resize = payload::Body::TerminalResize(proto::TerminalResize { columns: 1, rows: 1 });
        let resize = proto::Payload { channel: 1, body: Some(resize) };
        let mut gathered = Gathered::begin(stderr("a")).unwrap_or_else(|_| unreachable!());
        assert!(gathered.add(stderr("b")).is_ok());
        for other in [data(1, "c"), resize.clone()] {
            assert_eq!(gathered.add(other.clone()), Err(other));
        }
        assert_eq!(gathered.finish(), (stderr("ab"), 2));
        assert!(Gathered::begin(resize).is_err());
    }
}
