//! What can go wrong between an endpoint and an edge.

use hoop_domain::{DenialCode, EndReason};
use hoop_proto::v1;
use tonic::{Code, Status};

use crate::GatewayUrl;

/// Why there is no stream, or no more.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody answers at the address, or not in TLS that can be trusted.
    #[error("the gateway at {gateway} could not be reached")]
    Unreachable {
        /// Where it should have been.
        gateway: GatewayUrl,
        /// What the network said.
        #[source]
        source: tonic::transport::Error,
    },
    /// The gateway's certificate can't be checked with what was given.
    #[error("the TLS settings for {gateway} can't be used")]
    Tls {
        /// Whose certificate it is.
        gateway: GatewayUrl,
        /// What is wrong.
        #[source]
        source: tonic::transport::Error,
    },
    /// It took longer than anybody waits.
    #[error("the gateway did not answer within {seconds} s")]
    TimedOut {
        /// How long that was.
        seconds: u64,
    },
    /// A token or a name that can't travel in a header.
    #[error("the {what} has characters that can't be sent")]
    Unsendable {
        /// What it is.
        what: &'static str,
    },
    /// The gateway says no.
    #[error("{message}")]
    Refused {
        /// The reason, if this version knows it.
        code: Option<DenialCode>,
        /// A sentence for the person.
        message: String,
        /// The request that waits for an approval, if one does.
        review: Option<String>,
    },
    /// The gateway ended the session or the stream, and says why.
    #[error("{message}")]
    Closed {
        /// The reason.
        reason: EndReason,
        /// A sentence for the person.
        message: String,
    },
    /// The stream broke.
    #[error("the stream to the gateway broke: {}", .0.message())]
    Broken(Status),
    /// The stream ended without a reason.
    #[error("the gateway closed the stream")]
    Ended,
    /// Nothing came for longer than keep-alives take.
    #[error("the gateway was silent for {seconds} s")]
    Silent {
        /// How long that was.
        seconds: u64,
    },
    /// The other end does not keep to the protocol.
    #[error("protocol violation: {0}")]
    Violation(&'static str),
}

impl Error {
    /// Whether only the stream is gone, so that its session may go on with another one.
    #[must_use]
    pub const fn is_lost(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::Broken(_)
            | Self::Ended
            | Self::Silent { .. } => true,
            Self::Refused { code, .. } => matches!(
                code,
                Some(
                    DenialCode::Draining
                        | DenialCode::RecordingUnavailable
                        | DenialCode::DeciderUnavailable
                )
            ),
            Self::Tls { .. }
            | Self::Unsendable { .. }
            | Self::Closed { .. }
            | Self::Violation(_) => false,
        }
    }

    /// Whether the path leads to no edge: a proxy passes only other paths on to one.
    #[must_use]
    pub fn leads_elsewhere(&self) -> bool {
        let Self::Broken(status) = self else { return false };
        // What is no gRPC is told in words only, with the status of HTTP in them.
        status.code() == Code::Unimplemented || status.message().ends_with(NOT_FOUND)
    }
}

/// What is told of an answer of HTTP to a path that nobody has.
const NOT_FOUND: &str = "status: 404 Not Found";

/// The metadata key under which an edge names the [`DenialCode`] of a refused stream.
const CODE_KEY: &str = "hoop-code";

/// The same for the id of a request that waits for an approval.
const REVIEW_KEY: &str = "hoop-review";

impl From<Status> for Error {
    fn from(status: Status) -> Self {
        let code = status.metadata().get(CODE_KEY).and_then(|code| code.to_str().ok());
        let code = code.and_then(|code| code.parse::<DenialCode>().ok());
        let refused = matches!(
            status.code(),
            Code::Unauthenticated
                | Code::PermissionDenied
                | Code::NotFound
                | Code::FailedPrecondition
                | Code::InvalidArgument
        );
        if code.is_some() || refused {
            let review = status.metadata().get(REVIEW_KEY).and_then(|id| id.to_str().ok());
            let (message, review) = (status.message().into(), review.map(str::to_owned));
            return Self::Refused { code, message, review };
        }
        Self::Broken(status)
    }
}

impl From<v1::SessionClosed> for Error {
    fn from(closed: v1::SessionClosed) -> Self {
        // A stream that was never begun is closed with a denial; one that was, with an end.
        if let Ok(code) = closed.code.parse::<DenialCode>()
            && closed.code.parse::<EndReason>().is_err()
        {
            return Self::Refused { code: Some(code), message: closed.message, review: None };
        }
        Self::Closed { reason: closed.reason(), message: closed.message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_and_an_end_are_told_apart() {
        let closed = |code: &str| v1::SessionClosed { code: code.into(), message: "why".into() };
        assert!(matches!(
            closed("agent_unknown").into(),
            Error::Refused { code: Some(DenialCode::AgentUnknown), .. }
        ));
        assert!(matches!(
            closed("agent_revoked").into(),
            Error::Closed { reason: EndReason::AgentRevoked, .. }
        ));
        assert!(matches!(
            closed("of_tomorrow").into(),
            Error::Closed { reason: EndReason::Killed, .. }
        ));
    }

    #[test]
    fn a_path_that_leads_elsewhere_is_told_from_an_edge_in_trouble() {
        let http = |status: &str| {
            let flag = "received message with invalid compression flag: 123";
            Status::internal(format!("{flag} while receiving response with status: {status}"))
        };
        assert!(Error::from(http("404 Not Found")).leads_elsewhere());
        assert!(Error::from(Status::unimplemented("")).leads_elsewhere());
        assert!(!Error::from(http("502 Bad Gateway")).leads_elsewhere());
        assert!(!Error::from(Status::unavailable("draining")).leads_elsewhere());
    }

    #[test]
    fn a_status_that_names_a_code_is_a_refusal() {
        let mut status = Status::unavailable("draining");
        assert!(matches!(status.clone().into(), Error::Broken(_)));
        status.metadata_mut().insert(CODE_KEY, "draining".parse().unwrap());
        assert!(matches!(status.into(), Error::Refused { code: Some(DenialCode::Draining), .. }));
    }
}
