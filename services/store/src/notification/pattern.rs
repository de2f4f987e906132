//! Which events a subscription is about: `session.opened`, `session.*` or `*`.

use std::{fmt, str::FromStr};

/// A kind of event, or all kinds that begin alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(String);

/// A text that no kind of event can be like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is a kind such as session.opened, all of a family such as session.*, or *")]
pub struct InvalidPattern;

const LONGEST: usize = 64;

impl Pattern {
    /// Whether it covers `kind`.
    #[must_use]
    pub fn matches(&self, kind: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(begin) => kind.starts_with(begin),
            None => self.0 == kind,
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Pattern {
    type Err = InvalidPattern;
    fn from_str(text: &str) -> Result<Self, InvalidPattern> {
        let words = text.split('.').collect::<Vec<_>>();
        let plain = |word: &&str| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        };
        let fits = match words.split_last() {
            Some((&"*", families)) => families.iter().all(plain),
            Some(_) => words.len() == 2 && words.iter().all(plain),
            None => false,
        };
        if fits && text.len() <= LONGEST { Ok(Self(text.into())) } else { Err(InvalidPattern) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_a_whole_family_or_for_everything() {
        let covers = |pattern: &str, kind| pattern.parse::<Pattern>().unwrap().matches(kind);
        assert!(covers("*", "session.opened") && covers("session.*", "session.opened"));
        assert!(covers("session.opened", "session.opened"));
        assert!(!covers("session.opened", "session.opened2"));
        assert!(!covers("session.*", "sessions.opened") && !covers("agent.*", "session.opened"));
    }

    #[test]
    fn what_no_event_is_called_is_refused() {
        for text in ["", "session", "session.", ".*", "ses*", "*.opened", "a.b.c", "A.b", "a.b "] {
            assert_eq!(text.parse::<Pattern>(), Err(InvalidPattern), "{text}");
        }
    }
}
