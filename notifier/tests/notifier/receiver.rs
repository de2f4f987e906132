//! A receiver as strict as the standard lets it be.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::{Context, Result, ensure};
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use hoop_notifier::channel::webhook::Secret;
use tokio::net::TcpListener;

pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Listens until the test ends.
pub(crate) struct Receiver {
    pub(crate) url: String,
    seen: Seen,
}

type Seen = Arc<Mutex<Log>>;

#[derive(Default)]
struct Log {
    answers: VecDeque<u16>,
    requests: usize,
    accepted: Vec<String>,
    complaints: Vec<String>,
}

impl Receiver {
    pub(crate) async fn start(answers: &[u16]) -> Result<Self> {
        let log = Log { answers: answers.iter().copied().collect(), ..Log::default() };
        let seen = Arc::new(Mutex::new(log));
        let router = Router::new().route("/hook", post(receive)).with_state(seen.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/hook", listener.local_addr()?);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { url, seen })
    }

    pub(crate) fn requests(&self) -> usize {
        lock(&self.seen).requests
    }

    /// The ids of the events that were answered with 204.
    pub(crate) fn accepted(&self) -> Vec<String> {
        lock(&self.seen).accepted.clone()
    }

    /// What was wrong with requests.
    pub(crate) fn complaints(&self) -> Vec<String> {
        lock(&self.seen).complaints.clone()
    }
}

fn lock(seen: &Seen) -> MutexGuard<'_, Log> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn receive(State(seen): State<Seen>, headers: HeaderMap, body: String) -> StatusCode {
    let checked = check(&headers, &body);
    let mut log = lock(&seen);
    log.requests += 1;
    let id = match checked {
        Ok(id) => id,
        Err(complaint) => {
            log.complaints.push(format!("{complaint:#}"));
            return StatusCode::BAD_REQUEST;
        }
    };
    match log.answers.pop_front().and_then(|status| StatusCode::from_u16(status).ok()) {
        Some(status) => status,
        None => {
            log.accepted.push(id);
            StatusCode::NO_CONTENT
        }
    }
}

/// The id of the event, when everything is as the standard says.
fn check(headers: &HeaderMap, body: &str) -> Result<String> {
    let header = |name: &str| -> Result<String> {
        let value = headers.get(name).with_context(|| format!("no {name}"))?;
        Ok(value.to_str()?.to_owned())
    };
    let id = header("webhook-id")?;
    let timestamp: i64 = header("webhook-timestamp")?.parse()?;
    let age = chrono::Utc::now().timestamp() - timestamp;
    ensure!((0..300).contains(&age), "{age} seconds old");
    let secret: Secret = SECRET.parse()?;
    ensure!(header("webhook-signature")? == secret.sign(&id, timestamp, body), "wrong signature");
    ensure!(header("content-type")? == "application/json");
    let json: serde_json::Value = serde_json::from_str(body)?;
    ensure!(json.get("type").is_some_and(|kind| kind == "session.opened"), "{body}");
    ensure!(json.get("timestamp").is_some_and(|at| at == "2023-11-14T22:13:20.000000Z"), "{body}");
    ensure!(json.pointer("/data/session").is_some_and(|session| session == "x"), "{body}");
    Ok(id)
}
