//! Where keys come from.

use std::str::FromStr;

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::Secret;

/// A key as an operator has it.
pub type RootKey = Secret<[u8; 32]>;

/// More keys than this are a mistake: a rotation needs two.
const MOST: usize = 8;

/// Gives the keys of a deployment, the one that encrypts first. A text from the environment or
/// a file does ([`KeyList`]); so could a service that unwraps keys, before anything is opened.
pub trait KeySource {
    /// The keys.
    ///
    /// # Errors
    /// Why there are none.
    fn root_keys(&self) -> Result<Vec<RootKey>, InvalidKeys>;
}

/// What is no list of keys. The text is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKeys {
    /// Not 32 bytes in base64.
    #[error("expected 32 bytes in base64, as `openssl rand -base64 32` prints")]
    Malformed,
    /// Nothing is there.
    #[error("there is no key; `openssl rand -base64 32` prints one")]
    None,
    /// Too many.
    #[error("there are more than 8 keys; remove those that nothing is encrypted with any more")]
    TooMany,
    /// One stands there twice.
    #[error("the same key is there twice; for a rotation, put a new key before the old one")]
    Twice,
}

/// Keys that were given as text: 32 bytes in base64 each, with commas or white space between
/// them. A line that begins with `#` is a comment.
#[derive(Debug, Clone)]
pub struct KeyList(Vec<RootKey>);

impl KeyList {
    /// What stands for one key each in a list of keys.
    pub fn parts(text: &str) -> impl Iterator<Item = &str> {
        let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
        let separate = |c: char| c == ',' || c.is_whitespace();
        lines.flat_map(move |line| line.split(separate)).filter(|part| !part.is_empty())
    }
}

impl FromStr for KeyList {
    type Err = InvalidKeys;

    fn from_str(text: &str) -> Result<Self, InvalidKeys> {
        let mut keys = Vec::new();
        for part in Self::parts(text) {
            let key = read(part)?;
            if keys.iter().any(|known: &RootKey| known.reveal() == key.reveal()) {
                return Err(InvalidKeys::Twice);
            }
            keys.push(key);
        }
        match keys.len() {
            0 => Err(InvalidKeys::None),
            1..=MOST => Ok(Self(keys)),
            _ => Err(InvalidKeys::TooMany),
        }
    }
}

fn read(text: &str) -> Result<RootKey, InvalidKeys> {
    let bytes = Secret::new(STANDARD.decode(text).map_err(|_| InvalidKeys::Malformed)?);
    let bytes = bytes.reveal().as_slice().try_into().map_err(|_| InvalidKeys::Malformed)?;
    Ok(Secret::new(bytes))
}

impl KeySource for KeyList {
    fn root_keys(&self) -> Result<Vec<RootKey>, InvalidKeys> {
        Ok(self.0.clone())
    }
}

/// One key.
impl KeySource for RootKey {
    fn root_keys(&self) -> Result<Vec<RootKey>, InvalidKeys> {
        Ok(vec![self.clone()])
    }
}
