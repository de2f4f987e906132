//! Whether this process can do its work.

use std::time::{Duration, Instant};

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde::Serialize;
use tokio::{sync::Mutex, time::timeout};
use utoipa::ToSchema;

use crate::App;

/// A load balancer asks every few seconds and should not wait for a database that is gone.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long an answer of the database counts. Nobody is told to wait here, so that it is not
/// asked more often is what bounds those who ask all the time.
const FRESH: Duration = Duration::from_secs(1);

/// What the database said last. Who asks at the same time waits for one answer.
#[derive(Debug, Default)]
pub(crate) struct Pulse(Mutex<Option<(Instant, bool)>>);

impl Pulse {
    /// Whether it works, as `ask` says, or has said lately.
    async fn feel(&self, ask: impl AsyncFnOnce() -> bool) -> bool {
        let mut last = self.0.lock().await;
        if let Some((at, works)) = *last
            && at.elapsed() < FRESH
        {
            return works;
        }
        let works = ask().await;
        *last = Some((Instant::now(), works));
        works
    }
}

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
    let ping = async || timeout(PATIENCE, app.store.ping()).await.is_ok_and(|ping| ping.is_ok());
    let postgres = app.pulse.feel(ping).await;
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn of_many_who_ask_at_once_one_asks_the_database() {
        let (pulse, asked) = (Pulse::default(), AtomicUsize::new(0));
        let ask = async || {
            asked.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            true
        };
        let answers = futures_util::future::join_all((0..100).map(|_| pulse.feel(ask))).await;
        assert!(answers.into_iter().all(|works| works));
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        // What was said too long ago is asked again.
        let past = Instant::now().checked_sub(FRESH).unwrap();
        *pulse.0.lock().await = Some((past, true));
        assert!(!pulse.feel(async || false).await);
    }
}
