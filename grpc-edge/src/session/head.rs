//! Where one direction of a session stands: what its next packet has to follow.

use hoop_bus::recorded::Recorded;
use hoop_domain::{Chain, Direction, SessionId};
use hoop_proto as proto;
use prost::Message;

use super::lane::Broken;

/// After the last packet of a direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) seq: u64,
    pub(crate) chain: Chain,
    /// How many payloads of the sender all packets hold.
    pub(crate) taken: u64,
    /// The stream's own number for the packet.
    pub(crate) stream_seq: u64,
    /// Whether it was the direction's last one.
    pub(crate) ended: bool,
}

impl Head {
    /// Before the first packet.
    pub(crate) fn start(session: SessionId, direction: Direction) -> Self {
        let chain = Chain::start(session, direction);
        Self { seq: 0, chain, taken: 0, stream_seq: 0, ended: false }
    }

    /// After the packet that was found in the stream.
    pub(super) fn after(found: &Recorded) -> Result<Self, Broken> {
        let packet =
            proto::Packet::decode(found.encoded.clone()).map_err(|_| Broken::Undecodable)?;
        let chain = <[u8; 32]>::try_from(packet.chain.as_ref()).map_err(|_| Broken::Undecodable)?;
        let ended = matches!(packet.body, Some(proto::v1::packet::Body::SessionEnd(_)));
        Ok(Self {
            seq: packet.seq,
            chain: Chain::from(chain),
            taken: packet.taken,
            stream_seq: found.stream_seq,
            ended,
        })
    }
}
