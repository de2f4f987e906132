//! The hot path: packets out, packets and receipts in.
//!
//! A packet is published once. The broker delivers it to the edge at the other end while it
//! stores it, and sends its receipt to a subject that both edges listen on; either edge
//! relays the packet when the receipt is in. So a session over two edges costs no second
//! publish and no second hop (ADR 0002).

use async_nats::HeaderMap;
use bytes::Bytes;
use futures_util::StreamExt;
use hoop_domain::{Direction, SessionId};

use crate::{Bus, Error, Subject, subject};

/// The broker's word on one packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Receipt {
    /// Stored, as this message of the stream.
    Stored {
        /// The stream's own number for it; the next publish expects it.
        stream_seq: u64,
    },
    /// Another edge has published on this subject since: this edge is stale.
    Fenced,
    /// The broker can't store it now.
    Refused {
        /// The broker's words.
        cause: String,
    },
}

/// Who published a packet: one inlet of one edge. Two edges may publish under one number
/// while a session moves, and the broker takes one of the two; so a packet and its receipt
/// say whose they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Publisher(u64);

impl Publisher {
    /// A publisher that nobody else is.
    #[must_use]
    pub fn generate() -> Self {
        // Of its 16 bytes, these are random.
        let id = hoop_domain::EventId::generate();
        let mut random = [0; 8];
        random.copy_from_slice(id.as_bytes().last_chunk::<8>().unwrap_or(&[0; 8]));
        Self(u64::from_be_bytes(random))
    }
}

/// What comes in for a session.
#[derive(Debug)]
pub enum Incoming {
    /// A packet that the other edge published; not to be relayed before its receipt.
    Packet {
        /// Which way it travels.
        direction: Direction,
        /// Whose it is.
        publisher: Publisher,
        /// The packet as it is recorded.
        encoded: Bytes,
    },
    /// A receipt for a packet of either edge.
    Receipt {
        /// Which way the packet travels.
        direction: Direction,
        /// The packet's number.
        seq: u64,
        /// Whose the packet is.
        publisher: Publisher,
        /// The broker's word.
        receipt: Receipt,
    },
}

/// Publishes the packets of one direction of one session.
#[derive(Debug)]
pub struct PacketSender {
    client: async_nats::Client,
    subject: async_nats::Subject,
    receipt_prefix: String,
    receipt_suffix: String,
}

/// Receives everything about one session's packets.
#[derive(Debug)]
pub struct PacketReceiver {
    session: SessionId,
    subscriber: async_nats::Subscriber,
    prefix: usize,
}

impl Bus {
    /// The sending side of one direction, for `publisher`.
    #[must_use]
    pub fn packet_sender(
        &self,
        session: SessionId,
        direction: Direction,
        publisher: Publisher,
    ) -> PacketSender {
        let subject = Subject::Audit { session, direction }.to_string();
        let receipt_prefix = format!("{subject}.ack.");
        let receipt_suffix = format!(".{}", publisher.0);
        let (client, subject) = (self.client().clone(), subject.into());
        PacketSender { client, subject, receipt_prefix, receipt_suffix }
    }

    /// The receiving side. Subscribe before the other edge can publish.
    ///
    /// # Errors
    /// When the connection is closed for good.
    pub async fn packet_receiver(&self, session: SessionId) -> Result<PacketReceiver, Error> {
        let wildcard = subject::audit_wildcard(session);
        let prefix = wildcard.len() - 1;
        let subscriber = self
            .client()
            .subscribe(wildcard)
            .await
            .map_err(|cause| Error::Unreachable { cause: cause.to_string() })?;
        Ok(PacketReceiver { session, subscriber, prefix })
    }
}

impl PacketSender {
    /// Publishes packet `seq`. The broker refuses it when the newest message of the subject
    /// is another one than `expected`, so an edge that was overtaken records nothing.
    ///
    /// # Errors
    /// When the connection is closed for good. That the broker has it only the receipt says.
    pub async fn publish(&self, seq: u64, encoded: Bytes, expected: u64) -> Result<(), Error> {
        let length = self.receipt_prefix.len() + self.receipt_suffix.len() + 20;
        let mut receipt = String::with_capacity(length);
        receipt.push_str(&self.receipt_prefix);
        push_decimal(&mut receipt, seq);
        receipt.push_str(&self.receipt_suffix);
        let mut headers = HeaderMap::new();
        headers
            .insert(async_nats::header::NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, expected.to_string());
        self.client
            .publish_with_reply_and_headers(self.subject.clone(), receipt, headers, encoded)
            .await
            .map_err(|cause| Error::Unreachable { cause: cause.to_string() })
    }
}

impl PacketReceiver {
    /// The next packet or receipt; `None` when the connection is closed for good.
    pub async fn next(&mut self) -> Option<Incoming> {
        loop {
            let message = self.subscriber.next().await?;
            let incoming = self.read(message);
            if incoming.is_some() {
                return incoming;
            }
            tracing::warn!(session = %self.session, "a message is neither packet nor receipt");
        }
    }

    fn read(&self, message: async_nats::Message) -> Option<Incoming> {
        let mut parts = message.subject.as_str().get(self.prefix..)?.split('.');
        let direction = match parts.next()? {
            "in" => Direction::In,
            "out" => Direction::Out,
            _ => return None,
        };
        match (parts.next(), parts.next(), parts.next()) {
            (None, ..) => {
                // Where its receipt goes says whose it is.
                let publisher = publisher(message.reply.as_deref()?.rsplit('.').next())?;
                Some(Incoming::Packet { direction, publisher, encoded: message.payload })
            }
            (Some("ack"), Some(seq), last) => Some(Incoming::Receipt {
                direction,
                seq: seq.parse().ok()?,
                publisher: publisher(last)?,
                receipt: read_receipt(&message),
            }),
            _ => None,
        }
    }
}

fn publisher(text: Option<&str>) -> Option<Publisher> {
    text?.parse().ok().map(Publisher)
}

/// Reads a JetStream publish acknowledgement: `{"stream":"AUDIT","seq":7}` or
/// `{"error":{"code":400,"err_code":10071,"description":"…"},…}`.
fn read_receipt(message: &async_nats::Message) -> Receipt {
    if message.status.is_some_and(|status| status == async_nats::StatusCode::NO_RESPONDERS) {
        return Receipt::Refused { cause: "the broker has no stream AUDIT".into() };
    }
    let payload = &message.payload;
    if !contains(payload, b"\"error\"")
        && let Some(stream_seq) = number_after(payload, b"\"seq\":")
    {
        return Receipt::Stored { stream_seq };
    }
    match number_after(payload, b"\"err_code\":") {
        Some(WRONG_LAST_SEQUENCE) => Receipt::Fenced,
        _ => Receipt::Refused { cause: String::from_utf8_lossy(payload).into_owned() },
    }
}

/// NATS error code 10071: `wrong last sequence`.
const WRONG_LAST_SEQUENCE: u64 = 10071;

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

/// Scanning beats a JSON parser here: one receipt per packet, and nothing else of it counts.
fn number_after(json: &[u8], key: &[u8]) -> Option<u64> {
    let at = json.windows(key.len()).position(|window| window == key)?;
    let rest = json.get(at + key.len()..)?.trim_ascii_start();
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(rest.get(..digits)?).ok()?.parse().ok()
}

fn push_decimal(text: &mut String, number: u64) {
    use std::fmt::Write;
    let _ = write!(text, "{number}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_in_an_acknowledgement() {
        let stored = br#"{"stream":"AUDIT", "seq":42}"#;
        assert_eq!(number_after(stored, b"\"seq\":"), Some(42));
        let fenced = br#"{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 3"},"stream":"AUDIT","seq":0}"#;
        assert_eq!(number_after(fenced, b"\"err_code\":"), Some(WRONG_LAST_SEQUENCE));
        assert_eq!(number_after(b"{}", b"\"seq\":"), None);
        assert_eq!(number_after(b"\"seq\":", b"\"seq\":"), None);
    }
}
