//! The hash chain over the packets of one direction.
//!
//! `chain(n) = blake3(chain(n-1) ‖ packet n without its chain)`, beginning with
//! `blake3("hoop chain v1" ‖ session ‖ direction)`, so that the packets of one session
//! can't be passed off as those of another.

use crate::{Direction, SessionId};

/// The head of a chain: 32 bytes that stand for every packet so far.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Chain([u8; 32]);

impl Chain {
    /// The head before the first packet.
    #[must_use]
    pub fn start(session: SessionId, direction: Direction) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"hoop chain v1");
        hasher.update(session.as_bytes());
        hasher.update(direction.as_str().as_bytes());
        Self(*hasher.finalize().as_bytes())
    }

    /// The head after `packet`, given as it is encoded, without its chain field.
    #[must_use]
    pub fn link(self, packet: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.0);
        hasher.update(packet);
        Self(*hasher.finalize().as_bytes())
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for Chain {
    fn from(head: [u8; 32]) -> Self {
        Self(head)
    }
}

impl std::fmt::Debug for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_packet_means_something_else_in_another_place() {
        let session = SessionId::generate();
        let here = Chain::start(session, Direction::In);
        assert_ne!(here.link(b"a"), here.link(b"b"));
        assert_ne!(here.link(b"a").link(b"b"), here.link(b"b").link(b"a"));
        assert_ne!(here.link(b"a"), Chain::start(session, Direction::Out).link(b"a"));
        assert_ne!(here.link(b"a"), Chain::start(SessionId::generate(), Direction::In).link(b"a"));
    }
}
