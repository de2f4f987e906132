//! The gRPC streams: one [`Hello`](hoop_proto::up::Frame) decides what a stream is.

mod agent;
mod client;
mod down;
mod endpoint;
mod gather;
mod pinned;
mod pre_connect;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use hoop_domain::DenialCode;
use hoop_proto::{self as proto, edge_refusal::Asked, up};
use tonic::{Status, Streaming, metadata::MetadataMap};

use crate::{control, edge::Shared};
pub(crate) use agent::MOST_ORDERS;
pub use down::DownStream;
pub(crate) use endpoint::keep;
pub(crate) use pre_connect::{KnownKeys, MOST as MOST_KEYS, answer as pre_connect};

/// A peer that has said nothing for this long is gone.
pub(crate) const SILENCE_LIMIT: Duration = Duration::from_secs(45);

/// How long a new stream may take to say what it is.
const HELLO_DEADLINE: Duration = Duration::from_secs(10);

/// What a stream came with.
pub(crate) struct Arrival {
    pub(crate) metadata: MetadataMap,
    pub(crate) address: String,
    pub(crate) frames: Streaming<proto::Up>,
}

impl Arrival {
    /// The bearer token.
    pub(crate) fn bearer(&self) -> Result<String, Status> {
        bearer(&self.metadata)
    }

    /// The trace that it belongs to; empty for none.
    pub(crate) fn traceparent(&self) -> &str {
        let parent = self.metadata.get("traceparent").and_then(|value| value.to_str().ok());
        parent.unwrap_or_default()
    }

    pub(crate) fn address(&self) -> String {
        self.address.clone()
    }
}

fn bearer(metadata: &MetadataMap) -> Result<String, Status> {
    metadata
        .get("authorization")
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .map(str::to_owned)
        .ok_or_else(|| Status::unauthenticated("the metadata has no 'authorization: Bearer …'"))
}

/// Who an agent says that it is: its name travels beside its key.
pub(crate) async fn agent_of(
    shared: &Shared,
    metadata: &MetadataMap,
    address: String,
) -> Result<proto::AgentAuthRequest, Status> {
    let name = metadata.get("agent-name").and_then(|value| value.to_str().ok());
    let name = name.unwrap_or_default().to_owned();
    match bearer(metadata) {
        Ok(token) => Ok(proto::AgentAuthRequest { name, token, address }),
        Err(status) => {
            control::refused(&shared.bus, address, Asked::AgentName(name)).await;
            Err(status)
        }
    }
}

/// Where somebody calls from: the other end of the socket, or whom a trusted proxy names.
pub(crate) fn address_of(
    shared: &Shared,
    metadata: &MetadataMap,
    peer: Option<SocketAddr>,
) -> String {
    let Some(peer) = peer else { return String::new() };
    let values = metadata.get_all("x-forwarded-for").into_iter();
    let texts: Vec<&str> = values.filter_map(|value| value.to_str().ok()).collect();
    let client = shared.trusted_proxies.client(peer.ip(), texts.into_iter());
    // The port is the proxy's own, so it says nothing about the client.
    if client == peer.ip().to_canonical() { peer.to_string() } else { client.to_string() }
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
        Some(up::Frame::ResumeHello(hello)) => client::resume(shared, arrival, hello).await,
        _ => Err(Status::invalid_argument("the first frame of a stream must be a hello")),
    }
}

/// A denial as a gRPC status, with its code in the metadata `hoop-code` and the request that
/// waits for an approval, if one does, in `hoop-review`.
pub(crate) fn status_of(denial: &proto::Denial) -> Status {
    let reason = denial.reason();
    let message = denial.message.clone();
    let mut status = match reason {
        DenialCode::Unauthenticated | DenialCode::AgentUnknown | DenialCode::CredentialExpired => {
            Status::unauthenticated(message)
        }
        DenialCode::ConnectionNotFound => Status::not_found(message),
        DenialCode::WrongProtocol | DenialCode::Malformed => Status::invalid_argument(message),
        DenialCode::ModeDisabled
        | DenialCode::ReviewRequired
        | DenialCode::OutsideTimeWindow
        | DenialCode::PolicyUnavailable => Status::permission_denied(message),
        DenialCode::TooManySessions | DenialCode::RecordingFull => {
            Status::resource_exhausted(message)
        }
        DenialCode::AgentOffline => Status::failed_precondition(message),
        DenialCode::RecordingUnavailable
        | DenialCode::DeciderUnavailable
        | DenialCode::Draining => Status::unavailable(message),
    };
    if let Ok(code) = reason.as_str().parse() {
        status.metadata_mut().insert("hoop-code", code);
    }
    if let Some(review) = (!denial.review.is_empty()).then(|| denial.review.parse().ok()).flatten()
    {
        status.metadata_mut().insert("hoop-review", review);
    }
    status
}
