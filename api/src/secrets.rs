//! Connection secrets at rest: AES-256-GCM, bound to the connection they belong to.
//!
//! The stored form is `version (1) ‖ nonce (12) ‖ ciphertext ‖ tag (16)`, with the
//! connection's id as associated data: a secret that is moved to another row does not open.

use std::{collections::BTreeMap, sync::Arc};

use aws_lc_rs::{aead, digest, hmac};
use base64::{Engine, engine::general_purpose::STANDARD};
use hoop_domain::{ConnectionId, Secret};

/// Names and values, such as `HOST` and `127.0.0.1`.
pub type SecretMap = BTreeMap<String, String>;

/// The key that encrypts secrets at rest. Cheap to clone.
#[derive(Clone)]
pub struct SecretsKey(Arc<Keys>);

struct Keys {
    seal: aead::LessSafeKey,
    /// What keys for other purposes come from.
    root: hmac::Key,
}

/// Why a secret was not encrypted or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not 32 bytes in base64.
    #[error("expected 32 bytes in base64, as `openssl rand -base64 32` prints")]
    Key,
    /// The system has no randomness.
    #[error("the system has no randomness")]
    Randomness,
    /// Damaged, of another connection, or encrypted with another key.
    #[error("the stored secret does not open; is SECRETS_KEY the one it was stored with?")]
    Broken,
}

const VERSION: u8 = 1;

impl SecretsKey {
    /// The key that `text` stands for.
    ///
    /// # Errors
    /// When it is not 32 bytes in base64.
    pub fn from_base64(text: &str) -> Result<Self, Error> {
        let bytes = Secret::new(STANDARD.decode(text.trim()).map_err(|_| Error::Key)?);
        Self::from_bytes(bytes.reveal())
    }

    /// The key of `PROFILE=dev`, which protects nothing: it is the same everywhere.
    ///
    /// # Errors
    /// Never: a SHA-256 digest is a valid AES-256 key. The library's signature allows it.
    pub fn for_development() -> Result<Self, Error> {
        let seed = digest::digest(&digest::SHA256, b"hoop development profile");
        Self::from_bytes(seed.as_ref())
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let key = aead::UnboundKey::new(&aead::AES_256_GCM, bytes).map_err(|_| Error::Key)?;
        let (seal, root) = (aead::LessSafeKey::new(key), hmac::Key::new(hmac::HMAC_SHA256, bytes));
        Ok(Self(Arc::new(Keys { seal, root })))
    }

    /// A key for another purpose: the same for all processes of a deployment, and of no use
    /// to find this one or that of another label.
    pub(crate) fn derive(&self, label: &str) -> hmac::Key {
        let derived = hmac::sign(&self.0.root, label.as_bytes());
        hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref())
    }

    /// Encrypts `secret` for `connection`.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn encrypt(&self, connection: ConnectionId, secret: &SecretMap) -> Result<Vec<u8>, Error> {
        let mut nonce = [0; aead::NONCE_LEN];
        aws_lc_rs::rand::fill(&mut nonce).map_err(|_| Error::Randomness)?;
        let mut text = serde_json::to_vec(secret).map_err(|_| Error::Broken)?;
        self.0
            .seal
            .seal_in_place_append_tag(
                aead::Nonce::assume_unique_for_key(nonce),
                aead::Aad::from(connection.as_bytes()),
                &mut text,
            )
            .map_err(|_| Error::Randomness)?;
        Ok([&[VERSION], nonce.as_slice(), &text].concat())
    }

    /// The JSON that was stored for `connection`.
    ///
    /// # Errors
    /// When it does not open.
    pub fn decrypt(
        &self,
        connection: ConnectionId,
        stored: &[u8],
    ) -> Result<Secret<Vec<u8>>, Error> {
        let (version, rest) = stored.split_first().ok_or(Error::Broken)?;
        let (nonce, boxed) = rest.split_first_chunk().ok_or(Error::Broken)?;
        if *version != VERSION {
            return Err(Error::Broken);
        }
        let mut text = boxed.to_vec();
        let nonce = aead::Nonce::assume_unique_for_key(*nonce);
        let aad = aead::Aad::from(connection.as_bytes());
        let len =
            self.0.seal.open_in_place(nonce, aad, &mut text).map_err(|_| Error::Broken)?.len();
        text.truncate(len);
        Ok(Secret::new(text))
    }

    /// The names and values that were stored for `connection`.
    ///
    /// # Errors
    /// When they do not open.
    pub fn decrypt_map(&self, connection: ConnectionId, stored: &[u8]) -> Result<SecretMap, Error> {
        let text = self.decrypt(connection, stored)?;
        serde_json::from_slice(text.reveal()).map_err(|_| Error::Broken)
    }
}

impl std::fmt::Debug for SecretsKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretsKey(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_for_its_own_connection_with_its_own_key_only() {
        let key = SecretsKey::for_development().unwrap();
        let other = SecretsKey::from_base64(&STANDARD.encode([7; 32])).unwrap();
        let connection = ConnectionId::generate();
        let secret = SecretMap::from([("PASS".into(), "hunter2".into())]);
        let stored = key.encrypt(connection, &secret).unwrap();

        assert!(!stored.windows(7).any(|window| window == b"hunter2"));
        assert_eq!(key.decrypt_map(connection, &stored), Ok(secret));
        assert!(key.decrypt(ConnectionId::generate(), &stored).is_err());
        assert!(other.decrypt(connection, &stored).is_err());
        assert!(key.decrypt(connection, &stored[1..]).is_err());
        assert!(key.decrypt(connection, &[]).is_err());
    }
}
