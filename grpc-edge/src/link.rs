//! The gRPC streams: one [`Hello`](hoop_proto::up::Frame) decides what a stream is.

mod agent;
mod client;
mod down;
mod endpoint;
mod gather;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use hoop_domain::DenialCode;
use hoop_proto::{self as proto, up};
use tonic::{Status, Streaming, metadata::MetadataMap};

use crate::edge::Shared;
pub use down::DownStream;

/// A peer that has said nothing for this long is gone.
pub(crate) const SILENCE_LIMIT: Duration = Duration::from_secs(45);

/// How long a new stream may take to say what it is.
const HELLO_DEADLINE: Duration = Duration::from_secs(10);

/// What a stream came with.
pub(crate) struct Arrival {
    pub(crate) metadata: MetadataMap,
    pub(crate) address: Option<SocketAddr>,
    pub(crate) frames: Streaming<proto::Up>,
}

impl Arrival {
    /// The bearer token.
    pub(crate) fn bearer(&self) -> Result<String, Status> {
        self.metadata
            .get("authorization")
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "))
            .map(str::to_owned)
            .ok_or_else(|| Status::unauthenticated("the metadata has no 'authorization: Bearer …'"))
    }

    pub(crate) fn text(&self, name: &str) -> String {
        let value = self.metadata.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    }

    pub(crate) fn address(&self) -> String {
        self.address.map_or_else(String::new, |address| address.to_string())
    }
}

/// Reads the first frame and becomes what it says.
pub(crate) async fn accept(
    shared: &Arc<Shared>,
    mut arrival: Arrival,
) -> Result<DownStream, Status> {
    let first = tokio::time::timeout(HELLO_DEADLINE, arrival.frames.message())
        .await
        .map_err(|_| Status::deadline_exceeded("the stream said nothing for 10 s"))??;
    match first.and_then(|up| up.frame) {
        Some(up::Frame::AgentHello(hello)) => agent::control(shared, arrival, hello).await,
        Some(up::Frame::AttachHello(hello)) => agent::attach(shared, arrival, hello).await,
        Some(up::Frame::ClientHello(hello)) => client::open(shared, arrival, hello).await,
        Some(up::Frame::ResumeHello(_)) => {
            Err(Status::unimplemented("this gateway does not resume sessions"))
        }
        _ => Err(Status::invalid_argument("the first frame of a stream must be a hello")),
    }
}

/// A denial as a gRPC status, with its code in the metadata `hoop-code`.
pub(crate) fn status_of(denial: &proto::Denial) -> Status {
    let reason = denial.reason();
    let message = denial.message.clone();
    let mut status = match reason {
        DenialCode::Unauthenticated | DenialCode::AgentUnknown | DenialCode::CredentialExpired => {
            Status::unauthenticated(message)
        }
        DenialCode::ConnectionNotFound => Status::not_found(message),
        DenialCode::WrongProtocol | DenialCode::Malformed => Status::invalid_argument(message),
        DenialCode::ModeDisabled => Status::permission_denied(message),
        DenialCode::TooManySessions => Status::resource_exhausted(message),
        DenialCode::AgentOffline => Status::failed_precondition(message),
        DenialCode::RecordingUnavailable
        | DenialCode::DeciderUnavailable
        | DenialCode::Draining => Status::unavailable(message),
    };
    if let Ok(code) = reason.as_str().parse() {
        status.metadata_mut().insert("hoop-code", code);
    }
    status
}
