//! What a server keeps of a password.

use std::{fmt, num::NonZeroU32};

use aws_lc_rs::{digest, hmac, pbkdf2};

use super::prepare::prepare;

/// Rounds of PBKDF2 for the passwords that we make. They are random and long, so the
/// standard's minimum is plenty, and a login stays quick.
pub const ITERATIONS: NonZeroU32 = match NonZeroU32::new(4096) {
    Some(rounds) => rounds,
    None => NonZeroU32::MIN,
};

/// Bytes of salt for the passwords that we make.
pub const SALT_LEN: usize = 16;

/// Bytes of every key here: SHA-256.
pub const KEY_LEN: usize = digest::SHA256_OUTPUT_LEN;

/// A SHA-256 sized key.
pub(super) type Key = [u8; KEY_LEN];

/// Salt, rounds and the two keys of one password.
#[derive(Clone, PartialEq, Eq)]
pub struct Verifier {
    salt: Vec<u8>,
    iterations: NonZeroU32,
    stored_key: Key,
    server_key: Key,
}

/// Parts that are no verifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a SCRAM verifier needs a salt, at least one iteration and two keys of 32 bytes")]
pub struct InvalidVerifier;

impl Verifier {
    /// Puts a stored verifier together.
    ///
    /// # Errors
    /// When a part has the wrong length.
    pub fn new(
        salt: &[u8],
        iterations: u32,
        stored_key: &[u8],
        server_key: &[u8],
    ) -> Result<Self, InvalidVerifier> {
        if salt.is_empty() {
            return Err(InvalidVerifier);
        }
        Ok(Self {
            salt: salt.to_vec(),
            iterations: NonZeroU32::new(iterations).ok_or(InvalidVerifier)?,
            stored_key: stored_key.try_into().map_err(|_| InvalidVerifier)?,
            server_key: server_key.try_into().map_err(|_| InvalidVerifier)?,
        })
    }

    /// Computes the verifier of a password. Takes a millisecond or two of processor time.
    #[must_use]
    pub fn from_password(password: &str, salt: &[u8], iterations: NonZeroU32) -> Self {
        let salted = salted_password(password, salt, iterations);
        let client_key = hmac(&salted, b"Client Key");
        Self {
            salt: salt.to_vec(),
            iterations,
            stored_key: sha256(&client_key),
            server_key: hmac(&salted, b"Server Key"),
        }
    }

    /// The salt.
    #[must_use]
    pub fn salt(&self) -> &[u8] {
        &self.salt
    }

    /// Rounds of PBKDF2.
    #[must_use]
    pub const fn iterations(&self) -> u32 {
        self.iterations.get()
    }

    /// SHA-256 of the client's key.
    #[must_use]
    pub const fn stored_key(&self) -> &[u8; KEY_LEN] {
        &self.stored_key
    }

    /// The key that the server signs with.
    #[must_use]
    pub const fn server_key(&self) -> &[u8; KEY_LEN] {
        &self.server_key
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("iterations", &self.iterations).finish_non_exhaustive()
    }
}

/// `Hi(Normalize(password), salt, i)` of RFC 5802.
pub(super) fn salted_password(password: &str, salt: &[u8], iterations: NonZeroU32) -> Key {
    let mut salted = [0; KEY_LEN];
    let password = prepare(password);
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, iterations, salt, &password, &mut salted);
    salted
}

pub(super) fn hmac(key: &Key, message: &[u8]) -> Key {
    to_key(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message).as_ref())
}

pub(super) fn sha256(message: &[u8]) -> Key {
    to_key(digest::digest(&digest::SHA256, message).as_ref())
}

/// What SHA-256 returns always has this length; copying avoids a fallible conversion.
fn to_key(bytes: &[u8]) -> Key {
    let mut key = [0; KEY_LEN];
    for (to, from) in key.iter_mut().zip(bytes) {
        *to = *from;
    }
    key
}
