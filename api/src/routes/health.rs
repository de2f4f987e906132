//! Whether this process can do its work.

use std::time::Duration;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use crate::App;

/// A load balancer asks every few seconds and should not wait for a database that is gone.
const PATIENCE: Duration = Duration::from_secs(2);

/// What works and what does not.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// `OK` or `ERR`.
    liveness: &'static str,
    /// The state store.
    postgres: &'static str,
    /// The broker.
    nats: &'static str,
    /// The version of this process.
    version: &'static str,
}

const fn word(works: bool) -> &'static str {
    if works { "OK" } else { "ERR" }
}

/// Reports this process and what it depends on.
#[utoipa::path(get, path = "/api/healthz", tag = "server", responses(
    (status = 200, description = "everything works", body = Health),
    (status = 503, description = "the database or the broker is away", body = Health)))]
pub(crate) async fn healthz(State(app): State<App>) -> Response {
    let postgres = timeout(PATIENCE, app.store.ping()).await.is_ok_and(|ping| ping.is_ok());
    let nats = app.bus.connected();
    let status = if postgres && nats { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let health = Health {
        liveness: word(status == StatusCode::OK),
        postgres: word(postgres),
        nats: word(nats),
        version: env!("CARGO_PKG_VERSION"),
    };
    (status, Json(health)).into_response()
}
