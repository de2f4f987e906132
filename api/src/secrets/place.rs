//! Secrets at rest that are no connection's. Each is bound to what it is and whose.

use hoop_domain::{ConnectionId, PluginId, TokenId, UserId};

use super::{Error, SecretMap, SecretsKey};

/// What a secret is, and whose.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    /// A user's second factor.
    SecondFactor(UserId),
    /// The settings of a plugin.
    Plugin(PluginId),
    /// What the identity provider is asked with about the session of a browser.
    RefreshToken(TokenId),
}

impl Place {
    fn bytes(self) -> Vec<u8> {
        let (what, whose) = match self {
            Self::SecondFactor(user) => ("second factor", user.uuid()),
            Self::Plugin(plugin) => ("plugin", plugin.uuid()),
            Self::RefreshToken(token) => ("refresh token", token.uuid()),
        };
        [b"hoop ", what.as_bytes(), b" ", whose.as_bytes()].concat()
    }

    /// Where it was before places had names: as if it were a connection's of the same id.
    const fn before(self) -> ConnectionId {
        ConnectionId::from_uuid(match self {
            Self::SecondFactor(user) => user.uuid(),
            Self::Plugin(plugin) => plugin.uuid(),
            Self::RefreshToken(token) => token.uuid(),
        })
    }
}

impl SecretsKey {
    /// Encrypts `secret` for `place`.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub(crate) fn encrypt_at(&self, place: Place, secret: &SecretMap) -> Result<Vec<u8>, Error> {
        let text = serde_json::to_vec(secret).map_err(|_| Error::Broken)?;
        self.seal(&place.bytes(), &text)
    }

    /// The names and values that were stored at `place`.
    ///
    /// # Errors
    /// When they do not open.
    pub(crate) fn decrypt_at(&self, place: Place, stored: &[u8]) -> Result<SecretMap, Error> {
        match self.open(&place.bytes(), stored) {
            Ok(text) => serde_json::from_slice(text.reveal()).map_err(|_| Error::Broken),
            Err(_) => self.decrypt_map(place.before(), stored),
        }
    }

    /// What was stored at `place`, under the first key; `None` when it is that already.
    ///
    /// # Errors
    /// When it opens with none.
    pub(crate) fn renew_at(&self, place: Place, stored: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        match self.0.renew(&place.bytes(), stored) {
            Ok(renewed) => Ok(renewed),
            Err(_) => {
                let secret = self.decrypt_map(place.before(), stored)?;
                self.encrypt_at(place, &secret).map(Some)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> SecretMap {
        SecretMap::from([("TOTP".into(), "hunter2".into())])
    }

    #[test]
    fn a_secret_opens_at_its_own_place_only() {
        let key = SecretsKey::for_development().unwrap();
        let user = UserId::generate();
        let stored = key.encrypt_at(Place::SecondFactor(user), &secret()).unwrap();
        assert_eq!(key.decrypt_at(Place::SecondFactor(user), &stored), Ok(secret()));
        assert!(key.decrypt_at(Place::SecondFactor(UserId::generate()), &stored).is_err());
        let token = TokenId::from_uuid(user.uuid());
        assert!(key.decrypt_at(Place::RefreshToken(token), &stored).is_err());
        assert!(key.decrypt_map(ConnectionId::from_uuid(user.uuid()), &stored).is_err());
        assert_eq!(key.renew_at(Place::SecondFactor(user), &stored), Ok(None));
    }

    #[test]
    fn what_was_stored_before_places_had_names_opens_and_moves() {
        let key = SecretsKey::for_development().unwrap();
        let user = UserId::generate();
        let place = Place::SecondFactor(user);
        let old = key.encrypt(place.before(), &secret()).unwrap();
        assert_eq!(key.decrypt_at(place, &old), Ok(secret()));
        let new = key.renew_at(place, &old).unwrap().unwrap();
        assert_eq!(key.decrypt_at(place, &new), Ok(secret()));
        assert!(key.decrypt_map(place.before(), &new).is_err());
        assert!(key.renew_at(Place::SecondFactor(UserId::generate()), &old).is_err());
    }
}
