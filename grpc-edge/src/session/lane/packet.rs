//! A packet on its way: recorded or not, delivered not yet.

use std::time::Instant;

use bytes::Bytes;
use hoop_bus::packets::Publisher;
use hoop_proto as proto;
use prost::Message;

use super::Broken;
use crate::session::outlet::unpaid;

#[derive(Debug)]
pub(in crate::session) struct Packet {
    pub(super) seq: u64,
    /// Whose it is; `None` when it was found in the stream.
    pub(super) publisher: Option<Publisher>,
    /// The stream's own number for it, once that is known.
    pub(super) stored: Option<u64>,
    pub(super) since: Instant,
    /// What was published, when that was here: it may have to be published again.
    pub(super) encoded: Option<Bytes>,
    pub(super) size: usize,
    /// What the endpoint gets; `None` for packets that are for the recording alone, and when
    /// it has got it.
    pub(super) payload: Option<proto::Payload>,
    /// How many payloads of its sender it and all before it hold.
    pub(super) taken: u64,
    /// The end that sends this direction goes on elsewhere with it.
    pub(super) resumed: bool,
    /// Whether it has left.
    pub(super) released: bool,
}

impl Packet {
    /// One that is published here.
    pub(in crate::session) fn ours(
        seq: u64,
        publisher: Publisher,
        encoded: Bytes,
        payload: Option<proto::Payload>,
        taken: u64,
    ) -> Self {
        Self {
            seq,
            publisher: Some(publisher),
            stored: None,
            since: Instant::now(),
            size: encoded.len(),
            encoded: Some(encoded),
            payload,
            taken,
            resumed: false,
            released: false,
        }
    }

    /// One that the other edge has published.
    pub(super) fn witnessed(publisher: Publisher, encoded: Bytes) -> Result<Self, Broken> {
        Ok(Self { publisher: Some(publisher), ..Self::found(encoded)? })
    }

    /// One that was found in the stream.
    pub(super) fn found(encoded: Bytes) -> Result<Self, Broken> {
        let size = encoded.len();
        let decoded = proto::Packet::decode(encoded).map_err(|_| Broken::Undecodable)?;
        let resumed = matches!(decoded.body, Some(proto::v1::packet::Body::SessionResumed(_)));
        Ok(Self {
            seq: decoded.seq,
            publisher: None,
            stored: None,
            since: Instant::now(),
            encoded: None,
            size,
            taken: decoded.taken,
            payload: decoded.into_payload(),
            resumed,
            released: false,
        })
    }

    /// What it counts for beside data, until the endpoint has it.
    pub(super) fn unpaid(&self) -> usize {
        self.payload.as_ref().map_or(0, unpaid)
    }

    /// Whether it is the last one of its direction.
    pub(super) fn is_end(&self) -> bool {
        let body = self.payload.as_ref().and_then(|payload| payload.body.as_ref());
        matches!(body, Some(proto::payload::Body::SessionEnd(_)))
    }
}
