//! HTTP on a socket: requests in, and nobody who never finishes saying what they want.
//!
//! It is HTTP/1.1 alone. Nobody asks this API for HTTP/2 without TLS, and telling the two
//! apart would mean to wait for a silent client's first bytes without a clock.

mod pace;

use std::{convert::Infallible, io, net::SocketAddr, pin::pin, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo};
use hoop_runtime::Drain;
use http::Request;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tower::ServiceExt;

use pace::{Answer, Pace, Paced, REST};

/// How long to wait before the next try when the system has no more descriptors: some
/// connection has to end first.
const PAUSE: Duration = Duration::from_millis(200);

/// Answers until the drain begins and what was begun is done.
pub(crate) async fn serve(listener: TcpListener, router: Router, drain: Drain) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = drain.begun() => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, address)) => {
                connections.spawn(connection(stream, address, router.clone(), drain.clone()));
            }
            Err(error) => recover(&error).await,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn connection(stream: TcpStream, address: SocketAddr, router: Router, drain: Drain) {
    // It works without, only slower.
    let _ = stream.set_nodelay(true);
    let pace = Pace::default();
    let clock = pace.clone();
    let stream = TokioIo::new(Paced::new(stream, pace.clone()));
    let service = service_fn(move |mut request: Request<Incoming>| {
        pace.answering();
        request.extensions_mut().insert(ConnectInfo(address));
        let (answering, pace) = (router.clone().oneshot(request.map(Body::new)), pace.clone());
        async move {
            let answer = answering.await?;
            Ok::<_, Infallible>(answer.map(|body| Answer::new(body, pace)))
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(REST)
        .serve_connection(stream, service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let served = async {
        tokio::select! {
            outcome = &mut connection => outcome,
            () = drain.begun() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        }
    };
    tokio::select! {
        outcome = served => if let Err(error) = outcome {
            tracing::debug!(%address, %error, "a connection ended early");
        },
        () = clock.too_slow() => {
            tracing::debug!(%address, "a connection ended early: the head of a request was slow");
        }
    }
}

/// An accept that fails is either the fault of that one client, which is gone by now, or a
/// lack of something that other connections hold.
async fn recover(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    if matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted) {
        return;
    }
    tracing::warn!(%error, "can't accept connections; trying again");
    tokio::time::sleep(PAUSE).await;
}

#[cfg(test)]
mod tests;
