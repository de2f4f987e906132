//! Names that people give: checked once, when they are made.
//!
//! A name ends up in URLs, in file names and on a terminal, so the alphabet is small:
//! letters, digits, `.`, `_` and `-`, beginning with a letter or a digit, at most 128
//! bytes. There is no way to write `/`, `..` or an escape sequence with it.

use std::{fmt, str::FromStr};

/// Why a name was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{kind} name {given:?} must have 1 to 128 letters, digits, '.', '_' or '-' and begin with a letter or digit, without '..'"
)]
pub struct InvalidName {
    kind: &'static str,
    given: String,
}

const LONGEST: usize = 128;

fn well_formed(name: &str) -> bool {
    name.len() <= LONGEST
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
        && !name.contains("..")
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident = $kind:literal),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            /// The name as it was given.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;
            fn from_str(name: &str) -> Result<Self, InvalidName> {
                if well_formed(name) {
                    Ok(Self(name.into()))
                } else {
                    Err(InvalidName { kind: $kind, given: name.chars().take(LONGEST).collect() })
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

names! {
    /// What an agent is called; the user part of its `HOOP_KEY`.
    AgentName = "agent",
    /// What an API key is called.
    ApiKeyName = "API key",
    /// What a connection is called; the database that `psql` names on a native port.
    ConnectionName = "connection",
    /// What a group is called.
    GroupName = "group",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_are_names() {
        for name in ["pg", "pg-prod", "db.eu-west-1", "0", "A_b"] {
            assert!(name.parse::<ConnectionName>().is_ok(), "{name}");
        }
    }

    #[test]
    fn names_that_could_leave_their_place_are_refused() {
        for name in
            ["", "/", "a/b", "..", "a..b", ".hidden", "-rf", "a b", "a\n", "ü", "a\u{1b}[2J"]
        {
            assert!(name.parse::<ConnectionName>().is_err(), "{name:?}");
        }
        assert!("x".repeat(129).parse::<AgentName>().is_err());
    }

    #[test]
    fn the_refusal_says_what_was_given() {
        let refusal = "a/b".parse::<AgentName>().unwrap_err();
        assert!(refusal.to_string().starts_with("agent name \"a/b\" must have"));
    }
}
