//! The key that signs manifests: given, or in development made once and kept.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use hoop_domain::{Secret, manifest::SigningKey};
use hoop_runtime::{Env, config};

use crate::Error;

/// Where the seed of the key comes from.
#[derive(Debug, Clone)]
pub enum Seed {
    /// From the environment.
    Given(Secret<[u8; 32]>),
    /// From a file beside the spool, made when it is missing. For development: whoever can
    /// change recordings there can sign them.
    Kept,
}

const FILE: &str = "signing.key";

impl Seed {
    /// Reads `AUDIT_SIGNING_KEY`.
    ///
    /// # Errors
    /// When it is malformed, or missing outside development.
    pub fn from_env(env: &Env) -> Result<Self, config::Error> {
        let name = "AUDIT_SIGNING_KEY";
        let dev = env.dev_profile()?;
        if dev && env.text(name).is_none() {
            return Ok(Self::Kept);
        }
        let decoded = STANDARD.decode(env.required(name)?).ok();
        let seed = decoded.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        seed.map(|seed| Self::Given(Secret::new(seed))).ok_or_else(|| config::Error::Malformed {
            name: name.into(),
            why: "expected 32 bytes in base64; `openssl rand -base64 32` makes some".into(),
        })
    }
}

/// Makes the key.
///
/// # Errors
/// When the kept seed can't be read or written.
pub fn load(seed: &Seed, folder: &Path) -> Result<SigningKey, Error> {
    let seed = match seed {
        Seed::Given(seed) => seed.clone(),
        Seed::Kept => {
            let path = folder.join(FILE);
            kept(&path)
                .map_err(|source| Error::Spool { path: path.display().to_string(), source })?
        }
    };
    SigningKey::from_seed(seed.reveal()).map_err(|_| Error::SigningKey)
}

/// Several writers may start at once with one folder: the first file stands.
fn kept(path: &Path) -> io::Result<Secret<[u8; 32]>> {
    if !path.exists() {
        let mut seed = [0; 32];
        aws_lc_rs::rand::fill(&mut seed).map_err(io::Error::other)?;
        let draft = path.with_extension(format!("{}", std::process::id()));
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        options.open(&draft)?.write_all(&seed)?;
        let linked = fs::hard_link(&draft, path);
        fs::remove_file(&draft)?;
        match linked {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    let seed = fs::read(path)?;
    seed.try_into().map(Secret::new).map_err(|_| io::ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_was_made_up_is_the_same_the_next_time() {
        let folder = tempfile::tempdir().unwrap();
        let first = load(&Seed::Kept, folder.path()).unwrap().public_key();
        assert_eq!(load(&Seed::Kept, folder.path()).unwrap().public_key(), first);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let given = load(&Seed::Given(Secret::new([7; 32])), folder.path()).unwrap();
        assert_ne!(given.public_key(), first);
    }
}
