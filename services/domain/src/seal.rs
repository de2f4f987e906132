//! Sealing: to an agent's public key, for one session, by anyone; opened by that agent only.
//!
//! An ephemeral X25519 key agrees with the agent's on a secret, HKDF-SHA-256 makes a key of
//! it, AES-256-GCM encrypts. The session and both public keys go into the derivation, so a
//! box that is moved to another session does not open. The box is
//! `ephemeral public key (32) ‖ ciphertext ‖ tag (16)`; the nonce is zero because a key is
//! used once.

use aws_lc_rs::{aead, agreement, error::Unspecified, hkdf};

use crate::{SessionId, agent_key::SealPublicKey};

/// A box that does not open: damaged, for another agent or for another session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sealed credentials can't be opened with this agent's key")]
pub struct SealBroken;

const PUBLIC_KEY_LEN: usize = 32;

/// Seals `plain` for `session` to the agent with this public key.
///
/// # Errors
/// When the system has no randomness or `to` is no point of the curve.
pub fn seal(to: &SealPublicKey, session: SessionId, plain: &[u8]) -> Result<Vec<u8>, Unspecified> {
    let ephemeral = agreement::PrivateKey::generate(&agreement::X25519)?;
    let public = ephemeral.compute_public_key()?;
    let key = agree(&ephemeral, &to.0, public.as_ref(), &to.0, session)?;
    let mut boxed = plain.to_vec();
    key.seal_in_place_append_tag(nonce(), aead::Aad::empty(), &mut boxed)?;
    Ok([public.as_ref(), &boxed].concat())
}

/// Opens a box that was sealed for `session` to the public half of `key`.
///
/// # Errors
/// When it is not such a box.
pub fn open(
    key: &agreement::PrivateKey,
    session: SessionId,
    sealed: &[u8],
) -> Result<Vec<u8>, SealBroken> {
    let (ephemeral, boxed) = sealed.split_at_checked(PUBLIC_KEY_LEN).ok_or(SealBroken)?;
    let own = key.compute_public_key().map_err(|_| SealBroken)?;
    let key = agree(key, ephemeral, ephemeral, own.as_ref(), session).map_err(|_| SealBroken)?;
    let mut plain = boxed.to_vec();
    let len =
        key.open_in_place(nonce(), aead::Aad::empty(), &mut plain).map_err(|_| SealBroken)?.len();
    plain.truncate(len);
    Ok(plain)
}

fn agree(
    own: &agreement::PrivateKey,
    peer: &[u8],
    ephemeral: &[u8],
    agent: &[u8],
    session: SessionId,
) -> Result<aead::LessSafeKey, Unspecified> {
    let peer = agreement::UnparsedPublicKey::new(&agreement::X25519, peer);
    agreement::agree(own, peer, Unspecified, |shared| {
        let pseudo_random = hkdf::Salt::new(hkdf::HKDF_SHA256, b"hoop seal v1").extract(shared);
        let info = [ephemeral, agent, session.as_bytes().as_slice()];
        let mut key = [0; 32];
        pseudo_random.expand(&info, hkdf::HKDF_SHA256)?.fill(&mut key)?;
        Ok(aead::LessSafeKey::new(aead::UnboundKey::new(&aead::AES_256_GCM, &key)?))
    })
}

fn nonce() -> aead::Nonce {
    aead::Nonce::assume_unique_for_key([0; aead::NONCE_LEN])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent_key::AgentKey;

    #[test]
    fn only_the_agent_opens_its_box_and_only_for_its_session() {
        let (agent, other) = (AgentKey::generate().unwrap(), AgentKey::generate().unwrap());
        let session = SessionId::generate();
        let sealed = seal(&agent.seal_public_key().unwrap(), session, b"hunter2").unwrap();

        assert_eq!(open(&agent.seal_key().unwrap(), session, &sealed).unwrap(), b"hunter2");
        assert_eq!(open(&other.seal_key().unwrap(), session, &sealed), Err(SealBroken));
        assert_eq!(
            open(&agent.seal_key().unwrap(), SessionId::generate(), &sealed),
            Err(SealBroken)
        );
    }

    #[test]
    fn a_box_that_was_touched_does_not_open() {
        let agent = AgentKey::generate().unwrap();
        let session = SessionId::generate();
        let sealed = seal(&agent.seal_public_key().unwrap(), session, b"hunter2").unwrap();
        for position in 0..sealed.len() {
            let mut touched = sealed.clone();
            touched[position] ^= 1;
            assert!(open(&agent.seal_key().unwrap(), session, &touched).is_err(), "{position}");
        }
        assert_eq!(open(&agent.seal_key().unwrap(), session, &sealed[..31]), Err(SealBroken));
    }
}
