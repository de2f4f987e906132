//! The secrets of channels at rest: bound to the channel they belong to, see [`Keyring`].
//!
//! The keys are derived for this purpose, so that what opens a channel opens no connection.

use hoop_domain::{
    ChannelId, Keyring, Secret,
    keyring::{InvalidKeys, KeyList, KeySource},
};

use super::Values;
use crate::Error;

const LABEL: &[u8] = b"hoop notification channels";
const DEVELOPMENT: &[u8; 32] = b"hoop development profile\0\0\0\0\0\0\0\0";

/// The keys that encrypt the secrets of channels. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ChannelKey(Keyring);

impl ChannelKey {
    /// The keys that `source` gives; the first one encrypts, all of them open.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn new(source: &impl KeySource) -> Result<Self, InvalidKeys> {
        Keyring::new(source, LABEL).map(Self)
    }

    /// The keys that come from `text`, each of which is 32 bytes in base64.
    ///
    /// # Errors
    /// When one is not.
    pub fn from_base64(text: &str) -> Result<Self, InvalidKeys> {
        Self::new(&text.parse::<KeyList>()?)
    }

    /// The key of `PROFILE=dev`, which protects nothing: it is the same everywhere.
    ///
    /// # Errors
    /// Never: a digest is a valid key. The library's signature allows it.
    pub fn for_development() -> Result<Self, InvalidKeys> {
        Self::new(&Secret::new(*DEVELOPMENT))
    }

    /// Encrypts `values` for `channel`.
    pub(super) fn encrypt(&self, channel: ChannelId, values: &Values) -> Result<Vec<u8>, Error> {
        const FAILED: Error = Error::corrupt("a channel's secret could not be encrypted");
        let text = Secret::new(serde_json::to_vec(values).map_err(|_| FAILED)?);
        self.0.seal(channel.as_bytes(), text.reveal()).map_err(|_| FAILED)
    }

    /// What was stored for `channel`.
    pub(super) fn decrypt(&self, channel: ChannelId, stored: &[u8]) -> Result<Values, Error> {
        let text = self.0.open(channel.as_bytes(), stored).map_err(|_| BROKEN)?;
        serde_json::from_slice(text.reveal()).map_err(|_| BROKEN)
    }

    /// What was stored for `channel`, under the first key; `None` when it is that already.
    ///
    /// # Errors
    /// When it opens with none.
    pub fn renew(&self, channel: ChannelId, stored: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.0.renew(channel.as_bytes(), stored).map_err(|_| BROKEN)
    }
}

const BROKEN: Error = Error::corrupt(
    "a channel's secret does not open; do api and notifier have the same SECRETS_KEY \
     (or NOTIFY_SECRETS_KEY)?",
);

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};

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
        assert_eq!(ChannelKey::from_base64("c2hvcnQ=").unwrap_err(), InvalidKeys::Malformed);
    }
}
