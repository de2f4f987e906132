//! Port 8010: the transport, the standard health service, and `GET /` for load balancers.

use std::{path::PathBuf, pin::Pin, sync::Arc, time::Duration};

use futures_util::Stream;
use hoop_proto::{
    self as proto, packet,
    transport_server::{Transport, TransportServer},
};
use hoop_runtime::Drain;
use tokio::net::TcpListener;
use tonic::{
    Request, Response, Status, Streaming,
    transport::{Identity, Server, ServerTlsConfig, server::TcpIncoming},
};

use crate::{
    edge::Shared,
    link::{self, Arrival},
};

/// Larger than a channel's window, so that HTTP/2 never stalls what credit allows.
const STREAM_WINDOW: u32 = 2 * 1024 * 1024;
/// Frames are taken off a connection as they come, so this only has to cover a round trip.
const CONNECTION_WINDOW: u32 = 32 * 1024 * 1024;

pub(crate) async fn serve(
    shared: Arc<Shared>,
    listener: TcpListener,
    tls: Option<(PathBuf, PathBuf)>,
    stop: Drain,
) -> anyhow::Result<()> {
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter.set_serving::<TransportServer<Edge>>().await;
    let drain = shared.drain.clone();
    tokio::spawn(async move {
        drain.begun().await;
        reporter.set_not_serving::<TransportServer<Edge>>().await;
    });
    let transport = TransportServer::new(Edge(shared))
        .max_decoding_message_size(packet::LARGEST_FRAME)
        .max_encoding_message_size(packet::LARGEST_FRAME);
    let routes = tonic::service::Routes::new(transport).add_service(health);
    let router = routes.into_axum_router().route("/", axum::routing::get(|| async { "ok\n" }));

    let mut server = Server::builder()
        .accept_http1(true)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_concurrent_streams(1_000_000)
        .max_frame_size(1024 * 1024)
        .http2_keepalive_interval(Some(Duration::from_secs(20)))
        .http2_keepalive_timeout(Some(Duration::from_secs(20)));
    if let Some((cert, key)) = tls {
        let identity =
            Identity::from_pem(tokio::fs::read(&cert).await?, tokio::fs::read(&key).await?);
        server = server.tls_config(ServerTlsConfig::new().identity(identity))?;
    }
    let incoming = TcpIncoming::from(listener)
        .with_nodelay(Some(true))
        .with_keepalive(Some(Duration::from_secs(30)));
    server
        .add_routes(tonic::service::Routes::from(router))
        .serve_with_incoming_shutdown(incoming, async move { stop.begun().await })
        .await?;
    Ok(())
}

struct Edge(Arc<Shared>);

#[tonic::async_trait]
impl Transport for Edge {
    type ConnectStream = Pin<Box<dyn Stream<Item = Result<proto::Down, Status>> + Send>>;

    async fn connect(
        &self,
        request: Request<Streaming<proto::Up>>,
    ) -> Result<Response<Self::ConnectStream>, Status> {
        let address = link::address_of(&self.0, request.metadata(), request.remote_addr());
        let (metadata, _, frames) = request.into_parts();
        let arrival = Arrival { metadata, address, frames };
        let down = link::accept(&self.0, arrival).await?;
        Ok(Response::new(Box::pin(down.kept_alive_every(self.0.keep_alive))))
    }

    async fn pre_connect(
        &self,
        request: Request<proto::PreConnectRequest>,
    ) -> Result<Response<proto::PreConnectResponse>, Status> {
        let address = link::address_of(&self.0, request.metadata(), request.remote_addr());
        let agent = link::agent_of(&self.0, request.metadata(), address).await?;
        let advice = link::pre_connect(&self.0, agent).await?.into();
        Ok(Response::new(proto::PreConnectResponse { advice }))
    }

    async fn health_check(
        &self,
        _: Request<proto::HealthCheckRequest>,
    ) -> Result<Response<proto::HealthCheckResponse>, Status> {
        let serving = !self.0.drain.has_begun() && self.0.bus.connected();
        Ok(Response::new(proto::HealthCheckResponse { serving }))
    }
}
