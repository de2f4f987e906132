//! What was signed, and whether it was.

use hoop_domain::manifest::{Checkpoint, Manifest, PublicKey};

use crate::Finding;

/// A manifest or a checkpoint as it was found, with what is said to sign it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The text.
    pub encoded: String,
    /// The signature.
    pub signature: Vec<u8>,
    /// The key; whether it is to be trusted is another question.
    pub public_key: PublicKey,
}

impl Signed {
    /// Reads the manifest and checks its signature. With `trusted` keys, it must be by one of
    /// those; with none, by the key that came with it.
    ///
    /// # Errors
    /// With all that is wrong, when the text is no manifest.
    pub fn open(&self, trusted: &[PublicKey]) -> Result<(Manifest, Vec<Finding>), Vec<Finding>> {
        let mut findings = self.untrusted(trusted);
        if self.public_key.verify(&self.encoded, &self.signature).is_err() {
            findings.push(Finding::WrongSignature(self.public_key.id()));
        }
        match Manifest::parse(&self.encoded) {
            Ok(manifest) => Ok((manifest, findings)),
            Err(invalid) => {
                findings.push(invalid.into());
                Err(findings)
            }
        }
    }

    /// The same for a checkpoint.
    ///
    /// # Errors
    /// With all that is wrong, when the text is no checkpoint.
    pub fn open_checkpoint(
        &self,
        trusted: &[PublicKey],
    ) -> Result<(Checkpoint, Vec<Finding>), Vec<Finding>> {
        let mut findings = self.untrusted(trusted);
        if self.public_key.verify(&self.encoded, &self.signature).is_err() {
            findings.push(Finding::CheckpointChanged(self.public_key.id()));
        }
        match Checkpoint::parse(&self.encoded) {
            Ok(checkpoint) => Ok((checkpoint, findings)),
            Err(invalid) => {
                findings.push(Finding::InvalidCheckpoint(invalid));
                Err(findings)
            }
        }
    }

    fn untrusted(&self, trusted: &[PublicKey]) -> Vec<Finding> {
        let known = trusted.is_empty() || trusted.contains(&self.public_key);
        let unknown = (!known).then(|| Finding::UntrustedKey(self.public_key.id()));
        unknown.into_iter().collect()
    }
}
