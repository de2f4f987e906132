//! The two ways in which an agent runs.

use std::{fmt, str::FromStr};

/// How an agent runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgentMode {
    /// A process of its own that serves many connections.
    Standard,
    /// Beside an application, sharing its runtime.
    Embedded,
}

impl AgentMode {
    /// The name in the database and the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Embedded => "embedded",
        }
    }
}

impl FromStr for AgentMode {
    type Err = InvalidAgentMode;
    fn from_str(text: &str) -> Result<Self, InvalidAgentMode> {
        match text {
            "standard" => Ok(Self::Standard),
            "embedded" => Ok(Self::Embedded),
            _ => Err(InvalidAgentMode),
        }
    }
}

impl fmt::Display for AgentMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A mode that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an agent's mode is standard or embedded")]
pub struct InvalidAgentMode;
