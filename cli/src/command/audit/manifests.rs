//! The chain of manifests.

use anyhow::{Context as _, Result};
use hoop_recording::Signed;
use serde::Deserialize;

use super::{keys, pages::Listed};

/// A manifest, and where the gateway says that it is.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) position: u64,
    pub(super) session: String,
    pub(super) signed: Signed,
}

/// A manifest, as the gateway lists it.
#[derive(Debug, Deserialize)]
pub(super) struct Item {
    position: u64,
    session: String,
    manifest: String,
    signature: String,
    public_key: String,
}

impl Listed for Item {
    type Place = u64;
    const PATH: &'static [&'static str] = &["audit", "manifests"];

    fn place(&self) -> u64 {
        self.position
    }
}

impl Item {
    pub(super) fn entry(self) -> Result<Entry> {
        let (signature, public_key) = keys::signature(&self.signature, &self.public_key)
            .with_context(|| format!("the gateway's manifest at position {}", self.position))?;
        let signed = Signed { encoded: self.manifest, signature, public_key };
        Ok(Entry { position: self.position, session: self.session, signed })
    }
}
