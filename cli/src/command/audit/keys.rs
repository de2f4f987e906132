//! The keys that are trusted, from what was typed or from files, and those that the gateway names.

use std::fs;

use anyhow::{Context as _, Result, bail};
use base64::{Engine, engine::general_purpose::STANDARD};
use hoop_domain::manifest::PublicKey;
use hoop_recording::evidence;

/// Reads each of `given`: base64 of 32 bytes, or the path of a file with that or with PEM.
pub(super) fn read(given: &[String]) -> Result<Vec<PublicKey>> {
    given.iter().map(|key| one(key)).collect()
}

fn one(given: &str) -> Result<PublicKey> {
    if let Some(key) = evidence::key(given) {
        return Ok(key);
    }
    let text = fs::read_to_string(given).with_context(|| {
        format!("{given:?} is neither a key in base64 nor a file that can be read")
    })?;
    match evidence::key(&text) {
        Some(key) => Ok(key),
        None => bail!("{given} has no ed25519 public key, neither as PEM nor as base64"),
    }
}

/// A signature and the key that it is said to be made with, as the gateway hands them over.
pub(super) fn signature(signature: &str, key: &str) -> Result<(Vec<u8>, PublicKey)> {
    let (signature, key) = (STANDARD.decode(signature)?, STANDARD.decode(key)?);
    let key = <[u8; 32]>::try_from(key).ok().context("its key has not 32 bytes")?;
    Ok((signature, PublicKey(key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_text_or_a_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let (good, bad) = (folder.path().join("good.pem"), folder.path().join("bad.pem"));
        let key = PublicKey([7; 32]);
        fs::write(&good, evidence::pem(&key)).unwrap();
        fs::write(&bad, "hello").unwrap();
        let base64 = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=".to_owned();
        let good = good.display().to_string();
        assert_eq!(read(&[good, base64]).unwrap(), [key, key]);
        assert!(read(&[bad.display().to_string()]).is_err());
        assert!(read(&["/nothing/there".into()]).is_err());
    }
}
