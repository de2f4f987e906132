//! `GET /metrics`, on an address of its own: whoever may read figures need not reach more.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, sync::OnceLock, time::Duration};

use http::{Method, Request, Response, StatusCode, header};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};

use super::{page, resources};
use crate::{Env, config};

/// Scrapers at a time; one more waits.
const MOST_SCRAPERS: usize = 8;
/// How long the head of a request may take.
const HEAD: Duration = Duration::from_secs(10);
/// How long a connection may be used: scrapers open another one.
const LONGEST: Duration = Duration::from_secs(600);
/// Before accepting again when the system has no more descriptors.
const PAUSE: Duration = Duration::from_millis(200);

/// How the format of the page is called.
const FORMAT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Where each process listens unless it is told otherwise: on loopback, beside each other.
const USUAL: &[(&str, &str)] = &[
    ("api", "127.0.0.1:19009"),
    ("grpc-edge", "127.0.0.1:19010"),
    ("audit-writer", "127.0.0.1:19011"),
    ("notifier", "127.0.0.1:19012"),
];

static ADDRESS: OnceLock<SocketAddr> = OnceLock::new();

/// Where this process shows its metrics, when it does.
pub(crate) fn address() -> Option<SocketAddr> {
    ADDRESS.get().copied()
}

/// Why nothing is shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Setting(#[from] config::Error),
    #[error("METRICS_LISTEN {address}: {cause}")]
    Unlistenable { address: SocketAddr, cause: io::Error },
}

/// Shows the metrics of `process` from now on, where `METRICS_LISTEN` says.
pub(crate) async fn serve(env: &Env, process: &'static str) -> Result<(), Error> {
    resources::show(process);
    let asked = env.text("METRICS_LISTEN");
    let usual = USUAL.iter().find(|(name, _)| *name == process).map(|(_, address)| *address);
    let Some(usual) = (if asked.is_some() { Some("") } else { usual }) else { return Ok(()) };
    if asked.as_deref() == Some("off") {
        return Ok(());
    }
    let address = env.address("METRICS_LISTEN", usual)?;
    match TcpListener::bind(address).await {
        Ok(listener) => {
            if let Ok(bound) = listener.local_addr() {
                tracing::info!(address = %bound, "metrics are at /metrics");
                let _ = ADDRESS.set(bound);
            }
            tokio::spawn(accept(listener));
        }
        // Nobody asked for it, and there may be two of a kind on this machine.
        Err(cause) if asked.is_none() => {
            tracing::warn!(%address, %cause, "metrics are not shown; METRICS_LISTEN says where else");
        }
        Err(cause) => return Err(Error::Unlistenable { address, cause }),
    }
    Ok(())
}

/// Until the process ends: a drain is a time when somebody looks.
async fn accept(listener: TcpListener) {
    let room = Arc::new(Semaphore::new(MOST_SCRAPERS));
    loop {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(connection(stream, permit));
            }
            Err(_) => sleep(PAUSE).await,
        }
    }
}

async fn connection(stream: TcpStream, _room: OwnedSemaphorePermit) {
    let answer = service_fn(|request: Request<Incoming>| async move {
        Ok::<_, Infallible>(answer(request.method(), request.uri().path()))
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), answer);
    // How it ends is the scraper's business.
    let _ = timeout(LONGEST, served).await;
}

pub(super) fn answer(method: &Method, path: &str) -> Response<String> {
    let (status, format, body) = match (method, path) {
        (&Method::GET | &Method::HEAD, "/metrics") => (StatusCode::OK, FORMAT, page()),
        (_, "/metrics") => {
            (StatusCode::METHOD_NOT_ALLOWED, "text/plain", "metrics can only be read\n".into())
        }
        _ => (StatusCode::NOT_FOUND, "text/plain", "the metrics are at /metrics\n".into()),
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(format));
    response
}
