//! Generated types to domain types and back. Nothing else names both.

use hoop_domain as domain;

use crate::v1;

impl From<domain::Direction> for v1::Direction {
    fn from(direction: domain::Direction) -> Self {
        match direction {
            domain::Direction::In => Self::In,
            domain::Direction::Out => Self::Out,
        }
    }
}

/// A direction that is neither `in` nor `out`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a packet has no direction")]
pub struct InvalidDirection;

impl TryFrom<v1::Direction> for domain::Direction {
    type Error = InvalidDirection;
    fn try_from(direction: v1::Direction) -> Result<Self, InvalidDirection> {
        match direction {
            v1::Direction::In => Ok(Self::In),
            v1::Direction::Out => Ok(Self::Out),
            v1::Direction::Unspecified => Err(InvalidDirection),
        }
    }
}

impl From<domain::AuditLevel> for v1::AuditLevel {
    fn from(level: domain::AuditLevel) -> Self {
        match level {
            domain::AuditLevel::Strict => Self::Strict,
            domain::AuditLevel::Synced => Self::Synced,
            domain::AuditLevel::Windowed => Self::Windowed,
        }
    }
}

impl v1::Denial {
    /// A denial with its standard sentence.
    #[must_use]
    pub fn of(code: domain::DenialCode) -> Self {
        Self::with(code, code.message())
    }

    /// A denial with a sentence of its own.
    #[must_use]
    pub fn with(code: domain::DenialCode, message: impl Into<String>) -> Self {
        Self { code: code.as_str().into(), message: message.into(), review: String::new() }
    }

    /// The code; what this version does not know is taken for the decider's failure, so
    /// that a newer `api` never makes an older edge say yes.
    #[must_use]
    pub fn reason(&self) -> domain::DenialCode {
        self.code.parse().unwrap_or(domain::DenialCode::DeciderUnavailable)
    }
}

impl v1::SessionEnd {
    /// The end with its standard sentence.
    #[must_use]
    pub fn of(reason: domain::EndReason) -> Self {
        Self { code: reason.as_str().into(), message: reason.message().into() }
    }
}

impl v1::SessionClosed {
    /// The notice with its standard sentence.
    #[must_use]
    pub fn of(reason: domain::EndReason) -> Self {
        Self::with(reason, reason.message())
    }

    /// The notice with a sentence of its own.
    #[must_use]
    pub fn with(reason: domain::EndReason, message: impl Into<String>) -> Self {
        Self { code: reason.as_str().into(), message: message.into() }
    }

    /// The reason; what this version does not know counts as a kill.
    #[must_use]
    pub fn reason(&self) -> domain::EndReason {
        self.code.parse().unwrap_or(domain::EndReason::Killed)
    }
}

/// Without the keys that are in it.
impl std::fmt::Debug for v1::Telemetry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Telemetry").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use domain::{DenialCode, EndReason};

    use super::*;

    #[test]
    fn a_denial_code_that_this_version_does_not_know_is_a_refusal() {
        for code in ["", "granted", "out_of_favour"] {
            let denial = v1::Denial { code: code.into(), ..v1::Denial::default() };
            assert_eq!(denial.reason(), DenialCode::DeciderUnavailable, "{code}");
        }
        for code in DenialCode::ALL {
            assert_eq!(v1::Denial::of(*code).reason(), *code);
        }
    }

    #[test]
    fn what_an_agent_is_handed_is_never_shown() {
        let telemetry = v1::Telemetry {
            sentry_dsn: "https://s3cret@sentry.example.com/1".into(),
            pyroscope_url: "https://s3cret@pyroscope.example.com".into(),
            pyroscope_token: "s3cret".into(),
        };
        let welcome = v1::AgentWelcome { agent_name: "dev".into(), telemetry: Some(telemetry) };
        let shown = format!("{welcome:?}");
        assert!(shown.contains("Telemetry") && !shown.contains("s3cret"), "{shown}");
    }

    #[test]
    fn an_end_that_this_version_does_not_know_is_an_end() {
        let closed = v1::SessionClosed { code: "eclipse".into(), message: String::new() };
        assert_eq!(closed.reason(), EndReason::Killed);
    }
}
