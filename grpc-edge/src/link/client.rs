//! A program that opens a session over gRPC with its API token, and an end that resumes one.

use std::sync::Arc;

use bytes::Bytes;
use hoop_domain::{EndReason, SessionId};
use hoop_proto::{self as proto, down, edge_refusal::Asked, packet};
use hoop_runtime::{span, trace};
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tracing::{Instrument, field::Empty};

use super::{
    Arrival, DownStream,
    endpoint::{self, Comes},
    pinned::Pinned,
    status_of,
};
use crate::{
    control,
    edge::Shared,
    open::Caller,
    session::{Sitting, outlet},
};

pub(super) async fn open(
    shared: &Arc<Shared>,
    arrival: Arrival,
    hello: proto::ClientHello,
) -> Result<DownStream, Status> {
    let span = span!("open session", session = Empty, way = "grpc");
    trace::follow(&span, arrival.traceparent());
    open_traced(shared, arrival, hello).instrument(span).await
}

async fn open_traced(
    shared: &Arc<Shared>,
    arrival: Arrival,
    hello: proto::ClientHello,
) -> Result<DownStream, Status> {
    let bearer = match arrival.bearer() {
        Ok(bearer) => bearer,
        Err(status) => {
            let asked = proto::RefusedConnection {
                credential_username: String::new(),
                connection_name: hello.connection_name,
                verb: hello.verb,
            };
            control::refused(&shared.bus, arrival.address(), Asked::Connection(asked)).await;
            return Err(status);
        }
    };
    let request = proto::AuthorizeRequest {
        proof: Some(proto::authorize_request::Proof::BearerToken(bearer)),
        connection_name: hello.connection_name,
        protocol: String::new(),
        client_address: arrival.address(),
        client_application: hello.application.clone(),
        verb: hello.verb,
        exec: hello.exec,
        access_seconds: hello.access_seconds,
        runbook: hello.runbook,
        session: Bytes::copy_from_slice(SessionId::generate().as_bytes()),
        traceparent: trace::carried(arrival.traceparent()),
    };
    let permit =
        control::authorize(&shared.bus, &request).await.map_err(|denial| status_of(&denial))?;
    let pinned = permit.grant.approved.clone().map(Pinned::new);
    let caller = Caller { address: arrival.address(), application: hello.application };
    let (outlet, events) = outlet();
    let end = shared.open(permit, caller, outlet).await.map_err(|denial| status_of(&denial))?;
    // How much of what was approved has come is known here only, so nobody may go on with it
    // elsewhere: the token stays here, and no seat is to be had.
    let stays = pinned.is_some();
    let token = if stays { Bytes::new() } else { Bytes::copy_from_slice(&end.token.0) };
    let opened = proto::SessionOpened {
        session: Bytes::copy_from_slice(end.session.id().as_bytes()),
        token,
        connection_name: end.connection_name,
        connection_type: end.connection_type,
        window: packet::WINDOW,
        resume_seconds: if stays { 0 } else { shared.resume_seconds() },
    };
    let gone = CancellationToken::new();
    let guard = gone.clone().drop_guard();
    let shared = shared.clone();
    let session = end.inlet.session();
    let sitting = if stays { Sitting::aside() } else { session.sit(end.inlet.direction()) };
    let seat = (end.inlet, sitting);
    let comes = pinned.map_or(Comes::First, |pinned| Comes::Pinned(Box::new(pinned)));
    let lost = EndReason::ClientLost;
    tokio::spawn(endpoint::feed(shared, seat, arrival.frames, gone, lost, comes));
    let first = proto::Down { frame: Some(down::Frame::SessionOpened(opened)) };
    Ok(DownStream::session(first, events, guard))
}

/// Either end goes on, after its stream broke here or elsewhere.
pub(super) async fn resume(
    shared: &Arc<Shared>,
    arrival: Arrival,
    hello: proto::ResumeHello,
) -> Result<DownStream, Status> {
    // In a task of its own: a stream that breaks meanwhile must not leave it half-way.
    let resumed = tokio::spawn(shared.clone().resume(hello)).await;
    let lost = |_| Status::internal("the session could not be resumed");
    let end = resumed.map_err(lost)?.map_err(|denial| status_of(&denial))?;
    let first = proto::Resumed { payloads: end.place.payloads() };
    let first = proto::Down { frame: Some(down::Frame::Resumed(first)) };
    let (gone, shared) = (CancellationToken::new(), shared.clone());
    let guard = gone.clone().drop_guard();
    if let Some((inlet, sitting, lost)) = end.place.take() {
        let seat = (inlet, sitting);
        tokio::spawn(endpoint::feed(shared, seat, arrival.frames, gone, lost, Comes::Back));
    }
    Ok(DownStream::session(first, end.events, guard))
}
