//! Connection secrets at rest: bound to the connection they belong to, see [`Keyring`].

use std::collections::BTreeMap;

use aws_lc_rs::{digest, hmac};
use hoop_domain::{
    ConnectionId, Keyring, Secret,
    keyring::{Error as KeyError, InvalidKeys, KeyId, KeyList, KeySource},
};

mod place;

pub(crate) use place::Place;

/// Names and values, such as `HOST` and `127.0.0.1`.
pub type SecretMap = BTreeMap<String, String>;

/// The keys that encrypt secrets at rest. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SecretsKey(Keyring);

/// Why a secret was not encrypted or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The system has no randomness.
    #[error("the system has no randomness")]
    Randomness,
    /// Damaged, of another connection, or encrypted with another key.
    #[error("the stored secret does not open; is SECRETS_KEY the one it was stored with?")]
    Broken,
}

impl SecretsKey {
    /// The keys that `source` gives; the first one encrypts, all of them open.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn new(source: &impl KeySource) -> Result<Self, InvalidKeys> {
        Keyring::new(source, b"").map(Self)
    }

    /// The keys that `text` lists.
    ///
    /// # Errors
    /// When one is not 32 bytes in base64.
    pub fn from_base64(text: &str) -> Result<Self, InvalidKeys> {
        Self::new(&text.parse::<KeyList>()?)
    }

    /// The key of `PROFILE=dev`, which protects nothing: it is the same everywhere.
    ///
    /// # Errors
    /// Never: a SHA-256 digest is a valid AES-256 key. The library's signature allows it.
    pub fn for_development() -> Result<Self, InvalidKeys> {
        let seed = digest::digest(&digest::SHA256, b"hoop development profile");
        let seed: [u8; 32] = seed.as_ref().try_into().map_err(|_| InvalidKeys::Malformed)?;
        Self::new(&Secret::new(seed))
    }

    /// A key for another purpose: the same for all processes of a deployment, and of no use
    /// to find this one or that of another label.
    pub(crate) fn derive(&self, label: &str) -> hmac::Key {
        self.0.derive(label)
    }

    /// Encrypts what is no secret of a connection, to be stored at `place`.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub(crate) fn seal(&self, place: &[u8], plain: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(self.0.seal(place, plain)?)
    }

    /// What was stored at `place`.
    ///
    /// # Errors
    /// When it does not open.
    pub(crate) fn open(&self, place: &[u8], stored: &[u8]) -> Result<Secret<Vec<u8>>, Error> {
        Ok(self.0.open(place, stored)?)
    }

    /// The names of the keys; that of the one that encrypts comes first.
    pub(crate) fn ids(&self) -> impl Iterator<Item = KeyId> {
        self.0.ids()
    }

    /// Encrypts `secret` for `connection`.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn encrypt(&self, connection: ConnectionId, secret: &SecretMap) -> Result<Vec<u8>, Error> {
        let text = Secret::new(serde_json::to_vec(secret).map_err(|_| Error::Broken)?);
        Ok(self.0.seal(connection.as_bytes(), text.reveal())?)
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
        Ok(self.0.open(connection.as_bytes(), stored)?)
    }

    /// The names and values that were stored for `connection`.
    ///
    /// # Errors
    /// When they do not open.
    pub fn decrypt_map(&self, connection: ConnectionId, stored: &[u8]) -> Result<SecretMap, Error> {
        let text = self.decrypt(connection, stored)?;
        serde_json::from_slice(text.reveal()).map_err(|_| Error::Broken)
    }

    /// What was stored for `connection`, under the first key; `None` when it is that already.
    ///
    /// # Errors
    /// When it opens with none.
    pub fn renew(&self, connection: ConnectionId, stored: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.0.renew(connection.as_bytes(), stored)?)
    }
}

impl From<KeyError> for Error {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Randomness => Self::Randomness,
            KeyError::Broken => Self::Broken,
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};

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

    #[test]
    fn what_an_older_version_stored_opens() {
        // Of the version before keys had names: key 32 times 7, connection 16 times 1.
        let key = SecretsKey::from_base64(&STANDARD.encode([7; 32])).unwrap();
        let seal = aws_lc_rs::aead::UnboundKey::new(&aws_lc_rs::aead::AES_256_GCM, &[7; 32]);
        let seal = aws_lc_rs::aead::LessSafeKey::new(seal.unwrap());
        let connection = ConnectionId::generate();
        let mut text = br#"{"PASS":"hunter2"}"#.to_vec();
        let nonce = aws_lc_rs::aead::Nonce::assume_unique_for_key([9; 12]);
        let aad = aws_lc_rs::aead::Aad::from(connection.as_bytes());
        seal.seal_in_place_append_tag(nonce, aad, &mut text).unwrap();
        let stored = [&[1][..], &[9; 12], &text].concat();
        assert_eq!(key.decrypt_map(connection, &stored).unwrap()["PASS"], "hunter2");
    }
}
