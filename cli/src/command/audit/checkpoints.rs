//! The open sessions that something is stored of.

use serde::Deserialize;

use super::pages::Listed;

/// An open session, as the gateway lists it.
#[derive(Debug, Deserialize)]
pub(super) struct Open {
    pub(super) session: String,
    /// Whether the gateway has a checkpoint of it. Which one comes with the evidence.
    signed: Option<serde::de::IgnoredAny>,
}

impl Open {
    pub(super) const fn signed(&self) -> bool {
        self.signed.is_some()
    }
}

impl Listed for Open {
    type Place = String;
    const PATH: &'static [&'static str] = &["audit", "checkpoints"];

    fn place(&self) -> String {
        self.session.clone()
    }
}
