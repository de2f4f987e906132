//! The signed statement of where an organisation's audit log ends, and with it, where its
//! chain of manifests does.
//!
//! Like a [`Manifest`](super::Manifest) it is text with one fact per line:
//!
//! ```text
//! hoop audit log head v1
//! org <uuid>
//! line <number of the last line> <digest of the chain up to it>
//! manifest <position of the last manifest> <its digest>
//! signed <microseconds since the epoch>
//! ```

use std::fmt;

use chrono::{DateTime, Utc};

use super::Hex;
use crate::{OrgId, time};

/// The first line.
pub(super) const HEADING: &str = "hoop audit log head v1";

/// Where an audit log ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogHead {
    /// Whose log it is.
    pub org: OrgId,
    /// How many lines it has.
    pub line: u64,
    /// The digest of the chain up to the last.
    pub digest: [u8; 32],
    /// How many manifests there are.
    pub manifest: u64,
    /// The digest of the last; zeros when there is none.
    pub manifest_digest: [u8; 32],
    /// When this was signed.
    pub signed_at: DateTime<Utc>,
}

impl LogHead {
    /// The statement as it is signed and stored.
    #[must_use]
    pub fn encode(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for LogHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADING}")?;
        writeln!(f, "org {}", self.org)?;
        writeln!(f, "line {} {}", self.line, Hex(&self.digest))?;
        writeln!(f, "manifest {} {}", self.manifest, Hex(&self.manifest_digest))?;
        writeln!(f, "signed {}", time::to_micros(self.signed_at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_survives_being_written_down_and_nothing_else_says_the_same() {
        let head = LogHead {
            org: OrgId::generate(),
            line: 7,
            digest: [1; 32],
            manifest: 3,
            manifest_digest: [2; 32],
            signed_at: time::from_micros(1_700_000_000_000_001),
        };
        let text = head.encode();
        assert_eq!(LogHead::parse(&text), Ok(head));
        for other in [
            text.replace("line 7", "line 07"),
            text.replace('\n', "\r\n"),
            format!("{text}\n"),
            text.replace("head", "tail"),
        ] {
            assert!(LogHead::parse(&other).is_err(), "{other}");
        }
    }
}
