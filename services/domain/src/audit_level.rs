//! What has to be true of a packet before it is passed on.

use std::{fmt, str::FromStr};

/// How sure it has to be that a packet is recorded before anybody gets its bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum AuditLevel {
    /// The broker has accepted it.
    #[default]
    Strict,
    /// The audit-writer has it on its disk, too.
    Synced,
    /// It may leave before, as far as a small window goes.
    Windowed,
}

/// An audit level that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("audit level {given:?} is not one of strict, synced, windowed")]
pub struct InvalidAuditLevel {
    given: String,
}

impl AuditLevel {
    /// Every level, in the order of the documentation.
    pub const ALL: [Self; 3] = [Self::Strict, Self::Synced, Self::Windowed];

    /// The name in the API and in the state store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Synced => "synced",
            Self::Windowed => "windowed",
        }
    }
}

impl FromStr for AuditLevel {
    type Err = InvalidAuditLevel;
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|known| known.as_str() == name)
            .ok_or_else(|| InvalidAuditLevel { given: name.chars().take(64).collect() })
    }
}

impl fmt::Display for AuditLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_level_survives_being_written_down_and_no_other_word_is_one() {
        for level in AuditLevel::ALL {
            assert_eq!(level.as_str().parse(), Ok(level));
        }
        for word in ["", "Strict", "none", "off"] {
            assert!(word.parse::<AuditLevel>().is_err(), "{word}");
        }
        assert_eq!(AuditLevel::default(), AuditLevel::Strict);
    }
}
