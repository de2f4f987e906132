//! SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677), both sides.
//!
//! A [`Verifier`] is what a server keeps of a password: it proves that a client knows the
//! password, and it can't be used to log in anywhere.

pub mod verifier;

pub use verifier::{ITERATIONS, InvalidVerifier, MockSecret, SALT_LEN, Verifier};

/// Why an exchange failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The system has no random bytes.
    #[error("the system gives no random bytes")]
    NoRandomness,
}
