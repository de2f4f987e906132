//! Proving who the client is.

/// Proof that a client knows the password of a credential.
///
/// Only the SCRAM exchange in this module makes one, and opening a session takes one by
/// value, so there is no way around the password that compiles.
#[derive(Debug)]
#[must_use = "a proof that is dropped opens nothing"]
pub struct Authenticated {
    username: String,
}

impl Authenticated {
    /// The credential that was proved.
    #[must_use]
    pub fn username(&self) -> &str {
        &self.username
    }
}
