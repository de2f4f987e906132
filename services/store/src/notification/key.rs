//! The secrets of channels at rest: AES-256-GCM, bound to the channel they belong to.
//!
//! The stored form is that of connection secrets, `version (1) ‖ nonce (12) ‖ ciphertext ‖
//! tag (16)`, with another key: one that is derived for this purpose, so that what opens a
//! channel opens no connection.

use std::{fmt, sync::Arc};

use aws_lc_rs::{aead, hmac};
use base64::{Engine, engine::general_purpose::STANDARD};
use hoop_domain::{ChannelId, Secret};

use super::Values;
use crate::Error;

const VERSION: u8 = 1;
const LABEL: &[u8] = b"hoop notification channels";
const DEVELOPMENT: &[u8] = b"hoop development profile";

/// The key that encrypts the secrets of channels. Cheap to clone.
#[derive(Clone)]
pub struct ChannelKey(Arc<aead::LessSafeKey>);

/// A text that is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 32 bytes in base64, as `openssl rand -base64 32` prints")]
pub struct InvalidKey;

impl ChannelKey {
    /// The key that comes from `text`, which is 32 bytes in base64.
    ///
    /// # Errors
    /// When it is not.
    pub fn from_base64(text: &str) -> Result<Self, InvalidKey> {
        let bytes = Secret::new(STANDARD.decode(text.trim()).map_err(|_| InvalidKey)?);
        if bytes.reveal().len() != 32 {
            return Err(InvalidKey);
        }
        Self::derive(bytes.reveal())
    }

    /// The key of `PROFILE=dev`, which protects nothing: it is the same everywhere.
    ///
    /// # Errors
    /// Never: a digest is a valid key. The library's signature allows it.
    pub fn for_development() -> Result<Self, InvalidKey> {
        Self::derive(DEVELOPMENT)
    }

    fn derive(root: &[u8]) -> Result<Self, InvalidKey> {
        let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, root), LABEL);
        let key = aead::UnboundKey::new(&aead::AES_256_GCM, derived.as_ref());
        Ok(Self(Arc::new(aead::LessSafeKey::new(key.map_err(|_| InvalidKey)?))))
    }

    /// Encrypts `values` for `channel`.
    pub(super) fn encrypt(&self, channel: ChannelId, values: &Values) -> Result<Vec<u8>, Error> {
        const FAILED: Error = Error::corrupt("a channel's secret could not be encrypted");
        let mut nonce = [0; aead::NONCE_LEN];
        aws_lc_rs::rand::fill(&mut nonce).map_err(|_| FAILED)?;
        let mut text = serde_json::to_vec(values).map_err(|_| FAILED)?;
        let (once, aad) = (aead::Nonce::assume_unique_for_key(nonce), channel.as_bytes());
        self.0
            .seal_in_place_append_tag(once, aead::Aad::from(aad), &mut text)
            .map_err(|_| FAILED)?;
        Ok([&[VERSION], nonce.as_slice(), &text].concat())
    }

    /// What was stored for `channel`.
    pub(super) fn decrypt(&self, channel: ChannelId, stored: &[u8]) -> Result<Values, Error> {
        const BROKEN: Error = Error::corrupt(
            "a channel's secret does not open; do api and notifier have the same SECRETS_KEY \
             (or NOTIFY_SECRETS_KEY)?",
        );
        let (version, rest) = stored.split_first().ok_or(BROKEN)?;
        let (nonce, boxed) = rest.split_first_chunk().ok_or(BROKEN)?;
        if *version != VERSION {
            return Err(BROKEN);
        }
        let mut text = boxed.to_vec();
        let (nonce, aad) = (aead::Nonce::assume_unique_for_key(*nonce), channel.as_bytes());
        let opened =
            self.0.open_in_place(nonce, aead::Aad::from(aad), &mut text).map_err(|_| BROKEN)?;
        let values = serde_json::from_slice(opened).map_err(|_| BROKEN);
        drop(Secret::new(text));
        values
    }
}

impl fmt::Debug for ChannelKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChannelKey(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_for_its_own_channel_with_its_own_key_only() {
        let key = ChannelKey::for_development().unwrap();
        let other = ChannelKey::from_base64(&STANDARD.encode([7; 32])).unwrap();
        let channel = ChannelId::generate();
        let values = Values::from([("password".into(), "hunter2".into())]);
        let stored = key.encrypt(channel, &values).unwrap();
        assert!(!stored.windows(7).any(|window| window == b"hunter2"));
        assert_eq!(key.decrypt(channel, &stored).unwrap(), values);
        assert!(key.decrypt(ChannelId::generate(), &stored).is_err());
        assert!(other.decrypt(channel, &stored).is_err());
        assert!(key.decrypt(channel, &stored[1..]).is_err());
        assert!(key.decrypt(channel, &[]).is_err());
        assert_eq!(ChannelKey::from_base64("c2hvcnQ=").unwrap_err(), InvalidKey);
    }
}
