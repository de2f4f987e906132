//! Data that has arrived already, gathered into one packet.

use bytes::{Bytes, BytesMut};
use hoop_proto::{self as proto, packet, payload};

/// Pieces are gathered up to this size.
const ENOUGH: usize = 128 * 1024;

/// What is given back at once; less waits for more.
const WORTH_GIVING_BACK: usize = 64 * 1024;

/// Data of one channel that is to become one packet.
pub(super) struct Gathered {
    channel: u32,
    first: Bytes,
    rest: BytesMut,
    merged: usize,
}

impl Gathered {
    /// Begins with `payload` if it is data, else gives it back.
    pub(super) fn begin(payload: proto::Payload) -> Result<Self, proto::Payload> {
        match payload.body {
            Some(payload::Body::Data(first)) => {
                Ok(Self { channel: payload.channel, first, rest: BytesMut::new(), merged: 0 })
            }
            body => Err(proto::Payload { channel: payload.channel, body }),
        }
    }

    pub(super) const fn channel(&self) -> u32 {
        self.channel
    }

    fn len(&self) -> usize {
        self.first.len() + self.rest.len()
    }

    /// Whether more is welcome.
    pub(super) fn has_room(&self) -> bool {
        self.len() < ENOUGH
    }

    /// Takes in `payload` if it is data of the same channel and fits, else gives it back.
    pub(super) fn add(&mut self, payload: proto::Payload) -> Result<(), proto::Payload> {
        let more = match &payload.body {
            Some(payload::Body::Data(data))
                if payload.channel == self.channel
                    && self.len() + data.len() <= packet::LARGEST_DATA =>
            {
                data
            }
            _ => return Err(payload),
        };
        if self.rest.is_empty() {
            self.rest.reserve(ENOUGH);
        }
        self.rest.extend_from_slice(more);
        self.merged += 1;
        Ok(())
    }

    /// The payload, and how many pieces were merged into its first one.
    pub(super) fn finish(self) -> (proto::Payload, usize) {
        let data = if self.rest.is_empty() {
            self.first
        } else {
            let mut whole = BytesMut::with_capacity(self.first.len() + self.rest.len());
            whole.extend_from_slice(&self.first);
            whole.extend_from_slice(&self.rest);
            whole.freeze()
        };
        (proto::Payload::data(self.channel, data), self.merged)
    }
}

/// The credit that merging saved, until it is worth a frame.
#[derive(Debug, Default)]
pub(super) struct Saved {
    channel: u32,
    bytes: usize,
}

impl Saved {
    /// Notes that `merged` payloads of `channel` will not reach the receiver as such.
    /// Returns what to give back now.
    pub(super) fn note(&mut self, channel: u32, merged: usize) -> [Option<proto::Credit>; 2] {
        let left = if channel == self.channel { None } else { self.take() };
        self.channel = channel;
        self.bytes += merged * packet::FRAME_COST;
        let now = if self.bytes < WORTH_GIVING_BACK { None } else { self.take() };
        [left, now]
    }

    fn take(&mut self) -> Option<proto::Credit> {
        let bytes = u32::try_from(std::mem::take(&mut self.bytes)).ok()?;
        (bytes != 0).then_some(proto::Credit { channel: self.channel, bytes })
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
        assert_eq!(gathered.finish(), (data(1, "abcde"), 2));
    }

    #[test]
    fn what_merging_saved_is_given_back_to_the_byte() {
        let mut saved = Saved::default();
        let mut given = 0;
        for _ in 0..1000 {
            given += saved.note(1, 1).iter().flatten().map(|credit| credit.bytes).sum::<u32>();
        }
        given += saved.note(2, 0).iter().flatten().map(|credit| credit.bytes).sum::<u32>();
        assert_eq!(given as usize, 1000 * packet::FRAME_COST);
    }
}
