//! What a connection can be.

use std::{fmt, str::FromStr};

/// How the agent reaches the target, and what travels on the channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConnectionType {
    /// A PostgreSQL server; the agent logs in.
    Postgres,
    /// A MySQL or MariaDB server; in exec mode only.
    Mysql,
    /// A command that the agent runs, with or without a terminal.
    CommandLine,
    /// Any TCP service; bytes are relayed as they are.
    Tcp,
}

/// How long sessions of a connection may last, and how many there may be; `None` is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// From when a session is allowed to its end.
    pub session_seconds: Option<u32>,
    /// Without data in either direction.
    pub idle_seconds: Option<u32>,
    /// Live sessions of one user.
    pub sessions_per_user: Option<u32>,
    /// Live sessions of all users.
    pub sessions: Option<u32>,
}

impl Limits {
    /// Whether it matters how many sessions there are.
    #[must_use]
    pub const fn counts(&self) -> bool {
        self.sessions_per_user.is_some() || self.sessions.is_some()
    }
}

/// A connection type that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("connection type {given:?} is not one of postgres, mysql, command-line, tcp")]
pub struct InvalidConnectionType {
    given: String,
}

impl ConnectionType {
    /// Every type, in the order of the documentation.
    pub const ALL: [Self; 4] = [Self::Postgres, Self::Mysql, Self::CommandLine, Self::Tcp];

    /// The name on the wire and in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Mysql => "mysql",
            Self::CommandLine => "command-line",
            Self::Tcp => "tcp",
        }
    }

    /// Whether a connection of this type runs a command at all.
    #[must_use]
    pub const fn runs_commands(self) -> bool {
        !matches!(self, Self::Tcp)
    }

    /// Whether the agent knows what to run when the connection does not say.
    #[must_use]
    pub const fn has_default_command(self) -> bool {
        matches!(self, Self::Postgres | Self::Mysql)
    }

    /// The secrets without which a connection of this type can't be made.
    #[must_use]
    pub const fn required_secrets(self) -> &'static [&'static str] {
        match self {
            Self::Postgres | Self::Mysql => &["HOST", "USER", "PASS"],
            Self::CommandLine => &[],
            Self::Tcp => &["HOST", "PORT"],
        }
    }
}

impl FromStr for ConnectionType {
    type Err = InvalidConnectionType;
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|known| known.as_str() == name)
            .ok_or_else(|| InvalidConnectionType { given: name.chars().take(64).collect() })
    }
}

impl fmt::Display for ConnectionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
