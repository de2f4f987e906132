//! A secret that is somewhere else: the name of a place instead of a value.
//!
//! `_aws:SECRET:KEY`, `_envjson:VARIABLE:KEY`, `_vaultkv1:PATH:KEY`, `_vaultkv2:PATH:KEY`, of
//! exactly three parts. The agent looks there when a session opens; the gateway never does.

use std::{fmt, str::FromStr};

/// Longer than the longest name of a secret that any of them allows.
const LONGEST: usize = 2048;

/// Who keeps secrets for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Provider {
    /// AWS Secrets Manager.
    Aws,
    /// A variable of the agent's environment that holds JSON.
    EnvJson,
    /// HashiCorp Vault, key-value engine without versions.
    VaultKv1,
    /// HashiCorp Vault, key-value engine with versions.
    VaultKv2,
}

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    provider: Provider,
    place: String,
    key: String,
}

/// What begins like a reference and is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a reference has three parts with a colon between them, such as {}", self.0.example())]
pub struct InvalidReference(Provider);

impl Provider {
    const ALL: [Self; 4] = [Self::Aws, Self::EnvJson, Self::VaultKv1, Self::VaultKv2];

    /// How references to it begin.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Aws => "_aws",
            Self::EnvJson => "_envjson",
            Self::VaultKv1 => "_vaultkv1",
            Self::VaultKv2 => "_vaultkv2",
        }
    }

    const fn example(self) -> &'static str {
        match self {
            Self::Aws => "_aws:SECRET:KEY",
            Self::EnvJson => "_envjson:VARIABLE:KEY",
            Self::VaultKv1 => "_vaultkv1:PATH:KEY",
            Self::VaultKv2 => "_vaultkv2:PATH:KEY",
        }
    }
}

/// As people call it.
impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Aws => "AWS Secrets Manager",
            Self::EnvJson => "the agent's environment",
            Self::VaultKv1 | Self::VaultKv2 => "Vault",
        })
    }
}

impl Reference {
    /// Reads a value of a secret: `None` when it is no reference but the secret itself.
    ///
    /// # Errors
    /// When it begins like a reference and has not its three parts.
    pub fn read(value: &str) -> Result<Option<Self>, InvalidReference> {
        let named = |provider: &Provider| {
            value.strip_prefix(provider.prefix()).is_some_and(|rest| rest.starts_with(':'))
        };
        match Provider::ALL.into_iter().find(named) {
            None => Ok(None),
            Some(provider) => value.parse().map(Some).map_err(|()| InvalidReference(provider)),
        }
    }

    /// Who has it.
    #[must_use]
    pub const fn provider(&self) -> Provider {
        self.provider
    }

    /// What they call the whole that it is a part of.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Which part it is.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl FromStr for Reference {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let parts: Vec<&str> = text.split(':').collect();
        let [prefix, place, key] = parts.as_slice() else { return Err(()) };
        let provider = Provider::ALL.into_iter().find(|provider| provider.prefix() == *prefix);
        let plain = |part: &str| !part.trim().is_empty() && !part.chars().any(char::is_control);
        if !plain(place) || !plain(key) || LONGEST < text.len() {
            return Err(());
        }
        let (place, key) = ((*place).to_owned(), (*key).to_owned());
        Ok(Self { provider: provider.ok_or(())?, place, key })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.provider.prefix(), self.place, self.key)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_reference_names_a_provider_a_place_and_a_key() {
        let text = "_vaultkv2:secret/data/prod:password";
        let reference = Reference::read(text).unwrap().unwrap();
        assert_eq!(reference.provider(), Provider::VaultKv2);
        assert_eq!((reference.place(), reference.key()), ("secret/data/prod", "password"));
        assert_eq!(reference.to_string(), text);
        for text in ["_aws:prod/db:a key", "_envjson:DB:x", "_vaultkv1:kv/db:x"] {
            assert_eq!(Reference::read(text).unwrap().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_reference_is_the_secret_itself() {
        for text in ["", "hunter2", "_aws", "_awsome:x:y", "aws:x:y", " _aws:x:y", "_gcp:x:y"] {
            assert_eq!(Reference::read(text), Ok(None), "{text}");
        }
    }

    #[test]
    fn half_a_reference_is_refused_without_being_repeated() {
        for text in ["_aws:", "_aws:hunter2", "_aws:a:b:c", "_aws::b", "_aws:a: ", "_aws:a:b\n"] {
            let refusal = Reference::read(text).unwrap_err().to_string();
            assert!(refusal.ends_with("such as _aws:SECRET:KEY"), "{refusal}");
            assert!(!refusal.contains("hunter2"));
        }
        assert!(Reference::read(&format!("_aws:{}:x", "x".repeat(3000))).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_a_reference_a_secret_or_a_refusal(text in "_?(aws|envjson|x)?:?.*") {
            if let Ok(Some(reference)) = Reference::read(&text) {
                prop_assert_eq!(reference.to_string(), text);
            }
        }
    }
}
