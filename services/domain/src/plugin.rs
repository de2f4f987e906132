//! What can be switched on for connections.

use std::{fmt, str::FromStr};

/// A plugin. Sessions of a connection with one that this version does not know are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Plugin {
    /// Recording; it is always on.
    Audit,
    /// Only some of those who may see the connection may open it.
    AccessControl,
    /// Masking of sensitive data.
    Dlp,
    /// Search in recordings.
    Indexer,
    /// Somebody has to approve what is done with the connection.
    Review,
    /// Templates that people fill in.
    Runbooks,
    /// Messages to Slack.
    Slack,
    /// Messages to other programs.
    Webhooks,
}

/// A plugin that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is audit, access_control, dlp, indexer, review, runbooks, slack or webhooks")]
pub struct InvalidPlugin;

impl Plugin {
    /// Every plugin, in the order of the documentation.
    pub const ALL: [Self; 8] = [
        Self::Audit,
        Self::AccessControl,
        Self::Dlp,
        Self::Indexer,
        Self::Review,
        Self::Runbooks,
        Self::Slack,
        Self::Webhooks,
    ];

    /// The name in the database and the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Audit => "audit",
            Self::AccessControl => "access_control",
            Self::Dlp => "dlp",
            Self::Indexer => "indexer",
            Self::Review => "review",
            Self::Runbooks => "runbooks",
            Self::Slack => "slack",
            Self::Webhooks => "webhooks",
        }
    }

    /// Whether what it is for is done in sessions. One that should protect and does not is
    /// worse than none, so a connection with such a plugin is not opened.
    #[must_use]
    pub const fn is_built(self) -> bool {
        !matches!(self, Self::Dlp)
    }

    /// Whether it needs the names of groups for each connection.
    #[must_use]
    pub const fn takes_groups(self) -> bool {
        matches!(self, Self::Review | Self::AccessControl)
    }
}

impl fmt::Display for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Plugin {
    type Err = InvalidPlugin;
    fn from_str(name: &str) -> Result<Self, InvalidPlugin> {
        Self::ALL.into_iter().find(|known| known.as_str() == name).ok_or(InvalidPlugin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_plugin_has_a_name_and_nothing_else_is_one() {
        for plugin in Plugin::ALL {
            assert_eq!(plugin.as_str().parse(), Ok(plugin));
        }
        assert_eq!("of_tomorrow".parse::<Plugin>(), Err(InvalidPlugin));
    }
}
