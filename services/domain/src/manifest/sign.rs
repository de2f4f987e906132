//! Signing manifests: ed25519 over the encoded text.

use std::fmt;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

/// The key that an installation signs its manifests with.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

/// What a signature is checked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(pub [u8; 32]);

/// A short name for a public key: the first 8 bytes of its blake3 digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId(pub [u8; 8]);

/// The manifest was changed, or another key signed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the manifest's signature does not match")]
pub struct WrongSignature;

impl SigningKey {
    /// The key that this seed stands for.
    ///
    /// # Errors
    /// Never for 32 bytes; the library's signature allows it.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, aws_lc_rs::error::Unspecified> {
        let pair =
            Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| aws_lc_rs::error::Unspecified)?;
        let public = pair.public_key().as_ref().try_into();
        let public = PublicKey(public.map_err(|_| aws_lc_rs::error::Unspecified)?);
        Ok(Self { pair, public })
    }

    /// The half that anybody may have.
    #[must_use]
    pub const fn public_key(&self) -> PublicKey {
        self.public
    }

    /// Signs an encoded manifest: 64 bytes.
    #[must_use]
    pub fn sign(&self, encoded: &str) -> Vec<u8> {
        self.pair.sign(encoded.as_bytes()).as_ref().to_vec()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public.id())
    }
}

impl PublicKey {
    /// Its name.
    #[must_use]
    pub fn id(&self) -> KeyId {
        let digest = blake3::hash(&self.0);
        KeyId(digest.as_bytes().first_chunk().copied().unwrap_or_default())
    }

    /// Checks that the other half of this key signed `encoded`.
    ///
    /// # Errors
    /// When it did not.
    pub fn verify(&self, encoded: &str, signature: &[u8]) -> Result<(), WrongSignature> {
        UnparsedPublicKey::new(&ED25519, &self.0)
            .verify(encoded.as_bytes(), signature)
            .map_err(|_| WrongSignature)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::Hex(&self.0).fmt(f)
    }
}
