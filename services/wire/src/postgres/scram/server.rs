//! The server's side: knows a verifier, wants to know whether the client has the password.

use super::{
    BINDING_TYPE, Error, Mechanism, Verifier,
    attribute::{
        Attributes, channel_binding, from_base64, generate_nonce, to_base64, well_formed_nonce,
    },
    verifier::{KEY_LEN, Key, hmac, sha256},
};
use crate::postgres::auth::same;

/// An exchange whose first half is over.
pub struct Server {
    verifier: Verifier,
    /// What `c=` must hold.
    binding: Vec<u8>,
    nonce: String,
    /// `client-first-bare,server-first,`: the beginning of what both sides sign.
    signed: String,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").finish_non_exhaustive()
    }
}

impl Server {
    /// Takes the client's first message; returns the exchange and the answer.
    ///
    /// `certificate` is the hash of our certificate when the connection is under TLS: then
    /// both mechanisms are on offer. The user name in the message is ignored, as PostgreSQL
    /// does: the start-up message named the user.
    ///
    /// # Errors
    /// When the message is malformed, or asks for what was not offered.
    pub fn start(
        verifier: Verifier,
        mechanism: Mechanism,
        certificate: Option<&[u8]>,
        client_first: &[u8],
    ) -> Result<(Self, Vec<u8>), Error> {
        let nonce = generate_nonce()?;
        Self::start_with_nonce(verifier, mechanism, certificate, client_first, &nonce)
    }

    pub(super) fn start_with_nonce(
        verifier: Verifier,
        mechanism: Mechanism,
        certificate: Option<&[u8]>,
        client_first: &[u8],
        nonce: &str,
    ) -> Result<(Self, Vec<u8>), Error> {
        let mut attributes = Attributes::new(client_first)?;
        let flag = attributes.piece().ok_or(Error::Malformed("channel binding flag"))?;
        let identity = attributes.piece().ok_or(Error::Malformed("authorization identity"))?;
        if !identity.is_empty() {
            return Err(Error::NotOffered("authorization identity"));
        }
        let hash = check_flag(flag, mechanism, certificate)?;
        let bare = attributes.rest();
        let client_nonce = client_nonce(bare)?;

        let nonce = format!("{client_nonce}{nonce}");
        let salt = to_base64(verifier.salt());
        let answer = format!("r={nonce},s={salt},i={}", verifier.iterations());
        let exchange = Self {
            binding: channel_binding(&format!("{flag},,"), hash),
            signed: format!("{bare},{answer},"),
            verifier,
            nonce,
        };
        Ok((exchange, answer.into_bytes()))
    }

    /// Takes the client's last message; returns ours, which proves us to the client.
    ///
    /// # Errors
    /// When the password is wrong, and when the message is malformed or was tampered with.
    pub fn finish(self, client_final: &[u8]) -> Result<Vec<u8>, Error> {
        let text = std::str::from_utf8(client_final).map_err(|_| Error::Malformed("not UTF-8"))?;
        let (without_proof, proof) = text.rsplit_once(",p=").ok_or(Error::Malformed("proof"))?;
        let mut attributes = Attributes::of(without_proof);
        let binding = attributes.expect("c", "channel binding")?;
        let nonce = attributes.expect("r", "nonce")?;

        if !same(nonce.as_bytes(), self.nonce.as_bytes()) {
            return Err(Error::ForeignNonce);
        }
        if !same(&from_base64(binding, "channel binding")?, &self.binding) {
            return Err(Error::BindingMismatch);
        }
        let proof: Key = from_base64(proof, "proof")?
            .try_into()
            .map_err(|_| Error::Malformed("length of the proof"))?;

        let signed = format!("{}{without_proof}", self.signed);
        let proven = self.proves(&proof, signed.as_bytes());
        // Both are computed for everybody, so that time tells nothing.
        let signature = hmac(self.verifier.server_key(), signed.as_bytes());
        if proven {
            Ok(format!("v={}", to_base64(&signature)).into_bytes())
        } else {
            Err(Error::WrongPassword)
        }
    }

    fn proves(&self, proof: &Key, signed: &[u8]) -> bool {
        let signature = hmac(self.verifier.stored_key(), signed);
        let mut client_key = [0; KEY_LEN];
        for ((key, proof), signature) in client_key.iter_mut().zip(proof).zip(signature) {
            *key = proof ^ signature;
        }
        same(&sha256(&client_key), self.verifier.stored_key())
    }
}

/// Whether the client's wish fits what was offered; the hash that it has to show.
fn check_flag<'a>(
    flag: &str,
    mechanism: Mechanism,
    certificate: Option<&'a [u8]>,
) -> Result<Option<&'a [u8]>, Error> {
    match (flag, mechanism, certificate) {
        ("n", Mechanism::Sha256, _) | ("y", Mechanism::Sha256, None) => Ok(None),
        ("y", _, Some(_)) => Err(Error::Downgraded),
        ("n" | "y", Mechanism::Sha256Plus, _) => {
            Err(Error::Malformed("SCRAM-SHA-256-PLUS without channel binding"))
        }
        (flag, mechanism, certificate) => match (flag.strip_prefix("p="), mechanism, certificate) {
            (Some(BINDING_TYPE), Mechanism::Sha256Plus, Some(hash)) => Ok(Some(hash)),
            (Some(BINDING_TYPE), _, _) => {
                Err(Error::Malformed("channel binding without SCRAM-SHA-256-PLUS"))
            }
            (Some(_), _, _) => Err(Error::NotOffered("type of channel binding")),
            (None, _, _) => Err(Error::Malformed("channel binding flag")),
        },
    }
}

/// `n=user,r=nonce[,extensions]`
fn client_nonce(bare: &str) -> Result<&str, Error> {
    let mut attributes = Attributes::of(bare);
    if bare.starts_with("m=") {
        return Err(Error::NotOffered("mandatory extension"));
    }
    attributes.expect("n", "user name")?;
    let nonce = attributes.expect("r", "nonce")?;
    if well_formed_nonce(nonce) { Ok(nonce) } else { Err(Error::Malformed("nonce")) }
}
