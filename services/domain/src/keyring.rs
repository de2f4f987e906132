//! Keys that encrypt at rest, and how one gives way to the next.
//!
//! The first key of a ring encrypts, all of them open. A stored value says which key it needs:
//! `2 ‖ key id (8) ‖ nonce (12) ‖ ciphertext ‖ tag (16)`, AES-256-GCM with the place where it
//! is stored as associated data, so that a value that is moved does not open. A ring of one key
//! writes `1 ‖ nonce ‖ ciphertext ‖ tag`, as the versions before did, so that they can read it
//! while a gateway is upgraded; any ring reads both.

use std::{fmt, sync::Arc};

use aws_lc_rs::{aead, hmac};

use crate::Secret;

mod source;

pub use source::{InvalidKeys, KeyList, KeySource, RootKey};

/// What names a key: the beginning of a MAC that tells nothing of it.
pub type KeyId = [u8; 8];

const PLAIN: u8 = 1;
const NAMED: u8 = 2;
const ID_LABEL: &[u8] = b"hoop key id";

/// Why a value was not encrypted or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The system has no randomness.
    #[error("the system has no randomness")]
    Randomness,
    /// Damaged, of another place, or encrypted with a key that is not in the ring.
    #[error("the stored secret opens with none of the keys that are set")]
    Broken,
}

/// Keys for one purpose, the one that encrypts first. Cheap to clone.
#[derive(Clone)]
pub struct Keyring(Arc<Keys>);

struct Keys {
    first: Key,
    rest: Vec<Key>,
    /// What keys for other purposes come from.
    root: hmac::Key,
}

struct Key {
    id: KeyId,
    seal: aead::LessSafeKey,
}

impl Keyring {
    /// A ring of what `source` gives. `purpose` keeps it apart from rings for other purposes
    /// that come from the same keys; an empty one stands for the keys as they are.
    ///
    /// # Errors
    /// What the source says, or that it gives none.
    pub fn new(source: &impl KeySource, purpose: &[u8]) -> Result<Self, InvalidKeys> {
        let roots = source.root_keys()?;
        let mut keys = roots.iter().map(|root| Key::new(root.reveal(), purpose));
        let first = keys.next().ok_or(InvalidKeys::None)??;
        let rest = keys.collect::<Result<_, _>>()?;
        let root = roots.first().ok_or(InvalidKeys::None)?;
        let root = hmac::Key::new(hmac::HMAC_SHA256, root.reveal());
        Ok(Self(Arc::new(Keys { first, rest, root })))
    }

    /// A key for another purpose, from the first key of the source: the same for all processes
    /// of a deployment, and of no use to find this one or that of another label.
    #[must_use]
    pub fn derive(&self, label: &str) -> hmac::Key {
        let derived = hmac::sign(&self.0.root, label.as_bytes());
        hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref())
    }

    /// The names of the keys; that of the one that encrypts comes first.
    pub fn ids(&self) -> impl Iterator<Item = KeyId> {
        self.all().map(|key| key.id)
    }

    /// Encrypts `plain`, to be stored at `place`.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn seal(&self, place: &[u8], plain: &[u8]) -> Result<Vec<u8>, Error> {
        let key = &self.0.first;
        let named = !self.0.rest.is_empty();
        let mut nonce = [0; aead::NONCE_LEN];
        aws_lc_rs::rand::fill(&mut nonce).map_err(|_| Error::Randomness)?;
        let mut text = plain.to_vec();
        let once = aead::Nonce::assume_unique_for_key(nonce);
        key.seal
            .seal_in_place_append_tag(once, associated(named.then_some(key.id), place), &mut text)
            .map_err(|_| Error::Randomness)?;
        let head = if named { [&[NAMED], key.id.as_slice()].concat() } else { vec![PLAIN] };
        Ok([head.as_slice(), nonce.as_slice(), &text].concat())
    }

    /// What was stored at `place`.
    ///
    /// # Errors
    /// [`Error::Broken`] when no key of the ring opens it.
    pub fn open(&self, place: &[u8], stored: &[u8]) -> Result<Secret<Vec<u8>>, Error> {
        self.open_with(place, stored).map(|(plain, _)| plain)
    }

    /// The same value under the first key; `None` when it is that already.
    ///
    /// # Errors
    /// [`Error::Broken`] when no key of the ring opens it.
    pub fn renew(&self, place: &[u8], stored: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let (plain, key) = self.open_with(place, stored)?;
        let as_new = self.0.rest.is_empty() || stored.first() == Some(&NAMED);
        if key.id == self.0.first.id && as_new {
            return Ok(None);
        }
        self.seal(place, plain.reveal()).map(Some)
    }

    fn open_with(&self, place: &[u8], stored: &[u8]) -> Result<(Secret<Vec<u8>>, &Key), Error> {
        let (version, rest) = stored.split_first().ok_or(Error::Broken)?;
        match *version {
            PLAIN => self
                .all()
                .find_map(|key| Some((key.open(None, place, rest)?, key)))
                .ok_or(Error::Broken),
            NAMED => {
                let (id, rest) = rest.split_first_chunk().ok_or(Error::Broken)?;
                let key = self.all().find(|key| key.id == *id).ok_or(Error::Broken)?;
                Ok((key.open(Some(*id), place, rest).ok_or(Error::Broken)?, key))
            }
            _ => Err(Error::Broken),
        }
    }

    fn all(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.0.first).chain(&self.0.rest)
    }
}

impl Key {
    fn new(root: &[u8; 32], purpose: &[u8]) -> Result<Self, InvalidKeys> {
        let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, root), purpose);
        let bytes = if purpose.is_empty() { root.as_slice() } else { derived.as_ref() };
        let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, bytes), ID_LABEL);
        let id = mac.as_ref().first_chunk().ok_or(InvalidKeys::Malformed)?;
        let key = aead::UnboundKey::new(&aead::AES_256_GCM, bytes);
        let seal = aead::LessSafeKey::new(key.map_err(|_| InvalidKeys::Malformed)?);
        Ok(Self { id: *id, seal })
    }

    fn open(&self, id: Option<KeyId>, place: &[u8], rest: &[u8]) -> Option<Secret<Vec<u8>>> {
        let (nonce, boxed) = rest.split_first_chunk()?;
        let mut text = boxed.to_vec();
        let nonce = aead::Nonce::assume_unique_for_key(*nonce);
        let length = self.seal.open_in_place(nonce, associated(id, place), &mut text).ok()?.len();
        text.truncate(length);
        Some(Secret::new(text))
    }
}

/// The name of the key is bound, too, where there is one.
fn associated(id: Option<KeyId>, place: &[u8]) -> aead::Aad<Vec<u8>> {
    aead::Aad::from(match id {
        Some(id) => [id.as_slice(), place].concat(),
        None => place.to_vec(),
    })
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyring({} keys)", self.all().count())
    }
}

#[cfg(test)]
mod tests;
