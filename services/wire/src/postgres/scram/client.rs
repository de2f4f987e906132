//! The client's side: knows the password, and wants to know whether the server does.

use super::{
    BINDING_TYPE, Error, Mechanism,
    attribute::{
        Attributes, channel_binding, from_base64, generate_nonce, iterations, to_base64,
        well_formed_nonce,
    },
    verifier::{KEY_LEN, Key, hmac, salted_password, sha256},
};
use crate::postgres::auth::same;

/// PostgreSQL's default is 4096. A server that asks for more than this wants to keep our
/// processor busy: it would take half a second.
const MOST_ITERATIONS: u32 = 1_000_000;

/// What the client can do about channel binding, and what the server offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Binding {
    /// There is no TLS under the exchange.
    None,
    /// There is, but the server didn't offer to bind to it.
    NotOffered,
    /// Bind to the certificate with this hash.
    EndPoint(Vec<u8>),
}

impl Binding {
    /// Which mechanism goes with it.
    #[must_use]
    pub const fn mechanism(&self) -> Mechanism {
        match self {
            Self::None | Self::NotOffered => Mechanism::Sha256,
            Self::EndPoint(_) => Mechanism::Sha256Plus,
        }
    }

    fn gs2_header(&self) -> String {
        match self {
            Self::None => "n,,".to_owned(),
            Self::NotOffered => "y,,".to_owned(),
            Self::EndPoint(_) => format!("p={BINDING_TYPE},,"),
        }
    }

    fn input(&self) -> Vec<u8> {
        let hash = match self {
            Self::None | Self::NotOffered => None,
            Self::EndPoint(hash) => Some(hash.as_slice()),
        };
        channel_binding(&self.gs2_header(), hash)
    }
}

/// An exchange that waits for the server's first message.
#[derive(Debug)]
pub struct Client {
    binding: Binding,
    nonce: String,
    bare: String,
}

/// An exchange that waits for the server to prove itself.
#[derive(Debug)]
pub struct Proven {
    signature: Key,
}

impl Client {
    /// Begins an exchange; returns it and the first message.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn start(binding: Binding) -> Result<(Self, Vec<u8>), Error> {
        // PostgreSQL takes the user from the start-up message.
        Ok(Self::start_with_nonce("", binding, generate_nonce()?))
    }

    pub(super) fn start_with_nonce(user: &str, binding: Binding, nonce: String) -> (Self, Vec<u8>) {
        let bare = format!("n={user},r={nonce}");
        let first = format!("{}{bare}", binding.gs2_header());
        (Self { binding, nonce, bare }, first.into_bytes())
    }

    /// Takes the server's first message; returns the answer, which proves the password.
    /// Takes a few milliseconds of processor time.
    ///
    /// # Errors
    /// When the message is malformed, has another nonce or asks for too much work.
    pub fn answer(self, server_first: &[u8], password: &str) -> Result<(Proven, Vec<u8>), Error> {
        let server_first =
            std::str::from_utf8(server_first).map_err(|_| Error::Malformed("not UTF-8"))?;
        if server_first.starts_with("m=") {
            return Err(Error::NotOffered("mandatory extension"));
        }
        let mut attributes = Attributes::of(server_first);
        let nonce = attributes.expect("r", "nonce")?;
        let salt = from_base64(attributes.expect("s", "salt")?, "salt")?;
        let iterations = iterations(attributes.expect("i", "iteration count")?)?;

        // It must be ours with something of the server's after it.
        let added = nonce.strip_prefix(&self.nonce).ok_or(Error::ForeignNonce)?;
        if !well_formed_nonce(added) {
            return Err(Error::ForeignNonce);
        }
        if MOST_ITERATIONS < iterations.get() {
            return Err(Error::TooManyIterations(iterations.get()));
        }

        let salted = salted_password(password, &salt, iterations);
        let without_proof = format!("c={},r={nonce}", to_base64(&self.binding.input()));
        let signed = format!("{},{server_first},{without_proof}", self.bare);
        let proof = to_base64(&proof(&salted, signed.as_bytes()));
        let signature = hmac(&hmac(&salted, b"Server Key"), signed.as_bytes());
        Ok((Proven { signature }, format!("{without_proof},p={proof}").into_bytes()))
    }
}

impl Proven {
    /// Takes the server's last message.
    ///
    /// # Errors
    /// When the server refuses, or doesn't know the password's verifier: then it is not
    /// the server that we mean.
    pub fn finish(self, server_final: &[u8]) -> Result<(), Error> {
        let mut attributes = Attributes::new(server_final)?;
        let piece = attributes.piece().unwrap_or_default();
        if piece.starts_with("e=") {
            return Err(Error::Refused);
        }
        let signature = piece.strip_prefix("v=").ok_or(Error::Malformed("server signature"))?;
        if same(&from_base64(signature, "server signature")?, &self.signature) {
            Ok(())
        } else {
            Err(Error::ServerNotProven)
        }
    }
}

fn proof(salted: &Key, signed: &[u8]) -> Key {
    let client_key = hmac(salted, b"Client Key");
    let signature = hmac(&sha256(&client_key), signed);
    let mut proof = [0; KEY_LEN];
    for ((proof, key), signature) in proof.iter_mut().zip(client_key).zip(signature) {
        *proof = key ^ signature;
    }
    proof
}
