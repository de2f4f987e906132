//! The secret half of a `HOOP_KEY`, and the two keys that are derived from it.
//!
//! The agent shows a gateway only the *token*; the *seal key* never leaves the agent, so
//! no edge that sees the token can open what is sealed to the agent. `api` makes the key,
//! keeps the token's digest and the seal key's public half, and forgets the rest.

use aws_lc_rs::{agreement, digest, hkdf};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::Secret;

/// The secret of an agent: `xagt-` and 32 random bytes in base64url.
pub struct AgentKey(Secret<[u8; 32]>);

/// The secret half of a `HOOP_KEY` is not one of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an agent key is 'xagt-' followed by 43 letters, digits, '-' or '_'")]
pub struct InvalidAgentKey;

/// The public half of an agent's seal key (X25519).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealPublicKey(pub [u8; 32]);

const PREFIX: &str = "xagt-";

impl AgentKey {
    /// Makes a new key.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn generate() -> Result<Self, aws_lc_rs::error::Unspecified> {
        let mut bytes = [0; 32];
        aws_lc_rs::rand::fill(&mut bytes)?;
        Ok(Self(Secret::new(bytes)))
    }

    /// Reads a key as it stands in a `HOOP_KEY`.
    ///
    /// # Errors
    /// When it is not one.
    pub fn parse(text: &str) -> Result<Self, InvalidAgentKey> {
        let encoded = text.strip_prefix(PREFIX).ok_or(InvalidAgentKey)?;
        let bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| InvalidAgentKey)?;
        Ok(Self(Secret::new(bytes.try_into().map_err(|_| InvalidAgentKey)?)))
    }

    /// The key as it stands in a `HOOP_KEY`; shown once.
    #[must_use]
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(self.0.reveal()))
    }

    /// What the agent authenticates with.
    #[must_use]
    pub fn token(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.derive(b"hoop agent token v1"))
    }

    /// What `api` keeps of the token.
    #[must_use]
    pub fn token_digest(token: &str) -> [u8; 32] {
        let mut out = [0; 32];
        out.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
        out
    }

    /// The private half of the seal key.
    ///
    /// # Errors
    /// Never for a well-formed key; the library's signature allows it.
    pub fn seal_key(&self) -> Result<agreement::PrivateKey, aws_lc_rs::error::Unspecified> {
        agreement::PrivateKey::from_private_key(
            &agreement::X25519,
            &self.derive(b"hoop agent seal v1"),
        )
        .map_err(|_| aws_lc_rs::error::Unspecified)
    }

    /// The public half of the seal key.
    ///
    /// # Errors
    /// See [`Self::seal_key`].
    pub fn seal_public_key(&self) -> Result<SealPublicKey, aws_lc_rs::error::Unspecified> {
        let public = self.seal_key()?.compute_public_key()?;
        public.as_ref().try_into().map(SealPublicKey).map_err(|_| aws_lc_rs::error::Unspecified)
    }

    fn derive(&self, purpose: &[u8]) -> [u8; 32] {
        let pseudo_random = hkdf::Salt::new(hkdf::HKDF_SHA256, b"hoop").extract(self.0.reveal());
        let mut key = [0; 32];
        // 32 bytes is one block of HKDF-SHA-256, far below the limit at which this fails.
        if let Ok(output) = pseudo_random.expand(&[purpose], hkdf::HKDF_SHA256) {
            let _ = output.fill(&mut key);
        }
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_being_written_down() {
        let key = AgentKey::generate().unwrap();
        let again = AgentKey::parse(&key.reveal()).unwrap();
        assert_eq!(key.token(), again.token());
        assert_eq!(key.seal_public_key().unwrap(), again.seal_public_key().unwrap());
        assert_ne!(key.token(), key.reveal());
        assert_ne!(URL_SAFE_NO_PAD.decode(key.token()).unwrap(), [0; 32]);
    }

    #[test]
    fn what_is_not_a_key_is_refused() {
        for text in ["", "xagt-", "xagt-short", "agt-mzv7CRgUs23TgHpk0XNmll0TO37qfwM0D3JGQpwGPa8"] {
            assert!(AgentKey::parse(text).is_err(), "{text}");
        }
    }
}
