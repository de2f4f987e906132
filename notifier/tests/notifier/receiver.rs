//! The other side of the web APIs, as strict as their documentation.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::{Context, Result, ensure};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::post,
};
use hoop_notifier::channel::webhook::Secret;
use hoop_store::notification::{ChannelKind, Values};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::scene::values;

pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Listens until the test ends.
pub(crate) struct Receiver {
    base: String,
    seen: Seen,
}

/// What it does instead of accepting a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Trouble {
    /// Answers with this status.
    Status(u16),
    /// Answers 429 and asks for so many seconds.
    RetryAfter(u16),
    /// Answers 200 with this body.
    Body(&'static str),
    /// Never answers.
    Hang,
}

type Seen = Arc<Mutex<Log>>;

#[derive(Default)]
struct Log {
    troubles: VecDeque<Trouble>,
    requests: usize,
    accepted: Vec<String>,
    bodies: Vec<Value>,
    complaints: Vec<String>,
}

impl Receiver {
    pub(crate) async fn start(troubles: &[Trouble]) -> Result<Self> {
        let log = Log { troubles: troubles.iter().copied().collect(), ..Log::default() };
        let seen = Arc::new(Mutex::new(log));
        let router = Router::new()
            .route("/hook", post(receive))
            .route("/slack-hook", post(receive))
            .route("/chat.postMessage", post(receive))
            .route("/notifications", post(receive))
            .route("/v1/batch", post(receive))
            .with_state(seen.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let base = format!("http://{}", listener.local_addr()?);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { base, seen })
    }

    /// What a channel of this kind has to know to reach it.
    pub(crate) fn known(&self, kind: ChannelKind) -> [Values; 2] {
        let base = self.base.as_str();
        match kind {
            ChannelKind::Webhook => {
                [values(&[("url", &format!("{base}/hook"))]), values(&[("signing_secret", SECRET)])]
            }
            ChannelKind::Slack => {
                [values(&[("api_url", base)]), values(&[("bot_token", "xoxb-token")])]
            }
            ChannelKind::Segment => {
                [values(&[("api_url", base)]), values(&[("write_key", "a-write-key")])]
            }
            _ => [
                values(&[("api_url", base)]),
                values(&[("api_key", "a-key"), ("api_secret", "a-secret")]),
            ],
        }
    }

    pub(crate) fn slack_webhook(&self) -> [Values; 2] {
        let url = format!("{}/slack-hook", self.base);
        [Values::new(), values(&[("webhook_url", &url)])]
    }

    pub(crate) fn requests(&self) -> usize {
        lock(&self.seen).requests
    }

    /// The ids for deduplication of what was accepted.
    pub(crate) fn accepted(&self) -> Vec<String> {
        lock(&self.seen).accepted.clone()
    }

    /// What was accepted.
    pub(crate) fn bodies(&self) -> Vec<Value> {
        lock(&self.seen).bodies.clone()
    }

    /// Fails when a request was not as it has to be.
    pub(crate) fn expect_no_complaints(&self) -> Result<()> {
        let complaints = lock(&self.seen).complaints.clone();
        ensure!(complaints.is_empty(), "{complaints:?}");
        Ok(())
    }
}

fn lock(seen: &Seen) -> MutexGuard<'_, Log> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn receive(State(seen): State<Seen>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let trouble = {
        let mut log = lock(&seen);
        log.requests += 1;
        let checked = check(uri.path(), &headers, &body);
        match (checked, log.troubles.pop_front()) {
            (Err(complaint), _) => {
                log.complaints.push(format!("{complaint:#}"));
                return StatusCode::BAD_REQUEST.into_response();
            }
            (Ok(_), Some(trouble)) => trouble,
            (Ok((id, body)), None) => {
                log.accepted.push(id);
                log.bodies.push(body);
                return welcome(uri.path());
            }
        }
    };
    match trouble {
        Trouble::Status(status) => {
            StatusCode::from_u16(status).unwrap_or(StatusCode::IM_A_TEAPOT).into_response()
        }
        Trouble::RetryAfter(seconds) => {
            let pause = [("retry-after", seconds.to_string())];
            (StatusCode::TOO_MANY_REQUESTS, pause).into_response()
        }
        Trouble::Body(text) => text.into_response(),
        Trouble::Hang => std::future::pending().await,
    }
}

fn welcome(path: &str) -> Response {
    match path {
        "/slack-hook" => "ok".into_response(),
        "/chat.postMessage" => r#"{"ok":true,"ts":"1"}"#.into_response(),
        "/notifications" => (StatusCode::CREATED, r#"{"notification":{}}"#).into_response(),
        "/v1/batch" => r#"{"success":true}"#.into_response(),
        _ => StatusCode::NO_CONTENT.into_response(),
    }
}

/// The id for deduplication, when everything is as it has to be.
fn check(path: &str, headers: &HeaderMap, body: &[u8]) -> Result<(String, Value)> {
    let header = |name: &str| -> Result<String> {
        let value = headers.get(name).with_context(|| format!("no {name}"))?;
        Ok(value.to_str()?.to_owned())
    };
    ensure!(header("content-type")? == "application/json");
    let text = std::str::from_utf8(body)?;
    let json: Value = serde_json::from_str(text)?;
    let id = match path {
        "/hook" => {
            let (id, timestamp) = (header("webhook-id")?, header("webhook-timestamp")?.parse()?);
            let age = chrono::Utc::now().timestamp() - timestamp;
            ensure!((0..300).contains(&age), "{age} seconds old");
            let secret: Secret = SECRET.parse()?;
            let signature = secret.sign(&id, timestamp, text);
            ensure!(header("webhook-signature")? == signature, "wrong signature");
            ensure!(json.pointer("/data/session").is_some_and(|session| session == "x"), "{text}");
            id
        }
        "/notifications" => {
            ensure!(header("x-magicbell-api-key")? == "a-key");
            ensure!(header("x-magicbell-api-secret")? == "a-secret");
            ensure!(json.pointer("/notification/title").is_some_and(Value::is_string), "{text}");
            header("idempotency-key")?
        }
        "/v1/batch" => {
            // "a-write-key:" in base64: the key is the user, and there is no password.
            ensure!(header("authorization")? == "Basic YS13cml0ZS1rZXk6");
            let one = json.pointer("/batch/0").context("an empty batch")?;
            let text_of = |name: &str| one.get(name).and_then(Value::as_str).context("no text");
            ensure!(text_of("type")? == "track" && !text_of("event")?.is_empty(), "{text}");
            ensure!(!text_of("anonymousId")?.is_empty(), "{text}");
            chrono::DateTime::parse_from_rfc3339(text_of("timestamp")?)?;
            text_of("messageId")?.to_owned()
        }
        _ => {
            if path == "/chat.postMessage" {
                ensure!(header("authorization")? == "Bearer xoxb-token");
                ensure!(json.get("channel").is_some_and(Value::is_string), "{text}");
            }
            ensure!(json.pointer("/blocks/0/type").is_some_and(|kind| kind == "header"), "{text}");
            ensure!(json.get("text").is_some_and(Value::is_string), "{text}");
            json.get("client_msg_id").and_then(Value::as_str).context("no id")?.to_owned()
        }
    };
    Ok((id, json))
}
