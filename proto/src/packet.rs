//! Packets as bytes: encoded with the chain last, so that a chain is checked on the bytes
//! that were recorded and never on bytes that were encoded again.

use bytes::{BufMut, Bytes, BytesMut};
use hoop_domain::{Chain, Direction, SessionId, time};
use prost::Message;

use crate::v1::{self, packet, payload};

/// `chain = 15`, length-delimited, 32 bytes: how every recorded packet ends.
const CHAIN_FIELD: [u8; 2] = [(15 << 3) | 2, 32];
const CHAIN_LEN: usize = CHAIN_FIELD.len() + 32;

/// What a payload costs of its channel's credit, beside its data.
pub const FRAME_COST: usize = 256;

/// Bytes that a receiver takes per channel before it grants more.
pub const WINDOW: u32 = 1024 * 1024;

/// The largest piece of data in one packet. The broker's limit for a message is 1 MiB.
pub const LARGEST_DATA: usize = 256 * 1024;

/// The largest gRPC message that either side takes.
pub const LARGEST_FRAME: usize = 512 * 1024;

/// Bytes that are not a recorded packet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPacket {
    /// Not protobuf, or not this message.
    #[error("a packet can't be decoded")]
    Undecodable,
    /// Does not end in a chain.
    #[error("a packet has no chain")]
    Unchained,
    /// The chain does not follow from the packets before.
    #[error("the chain breaks at packet {seq}")]
    BrokenChain {
        /// The packet's number.
        seq: u64,
    },
}

/// Encodes `packet`, whose `chain` is ignored, and chains it to `head`.
#[must_use]
pub fn seal(mut packet: v1::Packet, head: Chain) -> (Bytes, Chain) {
    packet.chain = Bytes::new();
    let mut encoded = BytesMut::with_capacity(packet.encoded_len() + CHAIN_LEN);
    // Encoding into a buffer that grows can't fail.
    let _ = packet.encode(&mut encoded);
    let head = head.link(&encoded);
    encoded.put_slice(&CHAIN_FIELD);
    encoded.put_slice(head.as_bytes());
    (encoded.freeze(), head)
}

/// Checks that `encoded` follows `head` and returns the packet and the new head.
///
/// # Errors
/// When it is no packet or does not follow.
pub fn verify(encoded: &Bytes, head: Chain) -> Result<(v1::Packet, Chain), InvalidPacket> {
    let packet = v1::Packet::decode(encoded.clone()).map_err(|_| InvalidPacket::Undecodable)?;
    chained(encoded).ok_or(InvalidPacket::Unchained)?;
    let seq = packet.seq;
    let head = follow(encoded, head).ok_or(InvalidPacket::BrokenChain { seq })?;
    Ok((packet, head))
}

/// The new head, when `encoded` follows `head`. Nothing is decoded for it.
#[must_use]
pub fn follow(encoded: &[u8], head: Chain) -> Option<Chain> {
    let (body, tail) = chained(encoded)?;
    let head = head.link(body);
    tail.ends_with(head.as_bytes()).then_some(head)
}

/// What is hashed, and the field with the chain.
fn chained(encoded: &[u8]) -> Option<(&[u8], &[u8; CHAIN_LEN])> {
    encoded.split_last_chunk::<CHAIN_LEN>().filter(|(_, tail)| tail.starts_with(&CHAIN_FIELD))
}

impl v1::Packet {
    /// The session, if the 16 bytes are there.
    #[must_use]
    pub fn session_id(&self) -> Option<SessionId> {
        SessionId::try_from(self.session.as_ref()).ok()
    }

    /// The direction, if it is one.
    #[must_use]
    pub fn travels(&self) -> Option<Direction> {
        self.direction().try_into().ok()
    }

    /// When the edge took it in.
    #[must_use]
    pub fn taken_at(&self) -> chrono::DateTime<chrono::Utc> {
        time::from_micros(self.at)
    }

    /// What the endpoint at the other end gets of it.
    #[must_use]
    pub fn into_payload(self) -> Option<v1::Payload> {
        use packet::Body as P;
        use payload::Body as B;
        let body = match self.body? {
            P::Data(data) => B::Data(data),
            P::ChannelOpen(open) => B::ChannelOpen(open),
            P::ChannelReady(ready) => B::ChannelReady(ready),
            P::ChannelClose(close) => B::ChannelClose(close),
            P::ChannelFailed(failed) => B::ChannelFailed(failed),
            P::SessionEnd(end) => B::SessionEnd(end),
            P::ChannelCancel(cancel) => B::ChannelCancel(cancel),
            P::Stderr(data) => B::Stderr(data),
            P::TerminalResize(resize) => B::TerminalResize(resize),
            P::ChannelExit(exit) => B::ChannelExit(exit),
            // For the recording alone.
            P::SessionStart(_) | P::SessionResumed(_) => return None,
        };
        Some(v1::Payload { channel: self.channel, body: Some(body) })
    }
}

impl v1::Payload {
    /// Data on `channel`.
    #[must_use]
    pub const fn data(channel: u32, data: Bytes) -> Self {
        Self { channel, body: Some(payload::Body::Data(data)) }
    }

    /// What it costs of the channel's credit. Only data costs: the rest is bounded by its kind.
    #[must_use]
    pub const fn cost(&self) -> usize {
        self.cost_of(1)
    }

    /// The same, when so many payloads were merged into it.
    #[must_use]
    pub const fn cost_of(&self, pieces: u32) -> usize {
        match &self.body {
            Some(payload::Body::Data(data) | payload::Body::Stderr(data)) => {
                let pieces = if pieces == 0 { 1 } else { pieces };
                data.len().saturating_add(FRAME_COST.saturating_mul(pieces as usize))
            }
            _ => 0,
        }
    }
}

impl From<payload::Body> for packet::Body {
    fn from(body: payload::Body) -> Self {
        use payload::Body as B;
        match body {
            B::Data(data) => Self::Data(data),
            B::ChannelOpen(open) => Self::ChannelOpen(open),
            B::ChannelReady(ready) => Self::ChannelReady(ready),
            B::ChannelClose(close) => Self::ChannelClose(close),
            B::ChannelFailed(failed) => Self::ChannelFailed(failed),
            B::SessionEnd(end) => Self::SessionEnd(end),
            B::ChannelCancel(cancel) => Self::ChannelCancel(cancel),
            B::Stderr(data) => Self::Stderr(data),
            B::TerminalResize(resize) => Self::TerminalResize(resize),
            B::ChannelExit(exit) => Self::ChannelExit(exit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(session: SessionId, seq: u64, data: &'static [u8]) -> v1::Packet {
        v1::Packet {
            session: Bytes::copy_from_slice(session.as_bytes()),
            direction: v1::Direction::In.into(),
            seq,
            channel: 1,
            at: 1,
            body: Some(packet::Body::Data(Bytes::from_static(data))),
            taken: seq,
            chain: Bytes::new(),
        }
    }

    #[test]
    fn a_recorded_packet_is_what_was_sent_and_follows_its_chain() {
        let session = SessionId::generate();
        let start = Chain::start(session, Direction::In);
        let (first, head) = seal(packet(session, 1, b"select 1"), start);
        let (second, _) = seal(packet(session, 2, b"select 2"), head);

        let (decoded, head) = verify(&first, start).unwrap();
        assert_eq!(decoded.body, packet(session, 1, b"select 1").body);
        assert!(verify(&second, head).is_ok());
        assert_eq!(verify(&second, start), Err(InvalidPacket::BrokenChain { seq: 2 }));
    }

    #[test]
    fn a_changed_byte_is_found() {
        let session = SessionId::generate();
        let start = Chain::start(session, Direction::In);
        let (encoded, _) = seal(packet(session, 1, b"select 1"), start);
        for position in 0..encoded.len() {
            let mut touched = encoded.to_vec();
            touched[position] ^= 1;
            assert!(verify(&touched.into(), start).is_err(), "{position}");
        }
    }
}
