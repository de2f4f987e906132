//! SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677), both sides.
//!
//! A [`Verifier`] is what a server keeps of a password: it proves that a client knows the
//! password, and it can't be used to log in anywhere. [`Server`] and [`Client`] are the two
//! sides of an exchange; a step consumes the side, so none can be taken twice.
//!
//! The PLUS variant binds the exchange to the TLS connection under it by the hash of the
//! server's certificate (`tls-server-end-point`, RFC 5929).

mod attribute;
pub mod client;
mod prepare;
pub mod server;
pub mod verifier;

pub use client::Client;
pub use server::Server;
pub use verifier::{ITERATIONS, InvalidVerifier, SALT_LEN, Verifier};

/// The kind of channel binding that PostgreSQL knows.
const BINDING_TYPE: &str = "tls-server-end-point";

/// Which variant of the exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// Without channel binding.
    Sha256,
    /// With it.
    Sha256Plus,
}

impl Mechanism {
    /// The name in the messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "SCRAM-SHA-256",
            Self::Sha256Plus => "SCRAM-SHA-256-PLUS",
        }
    }

    /// What a server offers, best first: PLUS needs a certificate to bind to.
    #[must_use]
    pub const fn offered(under_tls: bool) -> &'static [Self] {
        if under_tls { &[Self::Sha256Plus, Self::Sha256] } else { &[Self::Sha256] }
    }
}

/// Why an exchange failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The system has no random bytes.
    #[error("the system gives no random bytes")]
    NoRandomness,
    /// A message that is none.
    #[error("a SCRAM message is malformed: {0}")]
    Malformed(&'static str),
    /// A nonce that is not the one that was sent.
    #[error("a SCRAM message has another nonce than the one that was sent")]
    ForeignNonce,
    /// The client thinks that we can't do channel binding, but we offered it: somebody in
    /// between took the offer out.
    #[error("the offer of SCRAM channel binding was removed on its way to the client")]
    Downgraded,
    /// The client asks for something that was not offered.
    #[error("the client asks for a SCRAM feature that was not offered: {0}")]
    NotOffered(&'static str),
    /// The two sides see different certificates.
    #[error("SCRAM channel binding failed: the client sees another TLS certificate than ours")]
    BindingMismatch,
    /// The password is wrong, or there is no such user.
    #[error("the password is wrong")]
    WrongPassword,
    /// More work than anybody may ask of us.
    #[error("the server asks for {0} SCRAM iterations, more than is allowed")]
    TooManyIterations(u32),
    /// The server doesn't know the password either.
    #[error("the server could not prove that it knows the password's verifier")]
    ServerNotProven,
    /// The server says why not.
    #[error("the server refused the SCRAM exchange")]
    Refused,
}

#[cfg(test)]
mod tests;
