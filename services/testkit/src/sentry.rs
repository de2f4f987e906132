//! A small, strict server that takes events as Sentry does: envelopes, for one project, with
//! its key. Whatever else comes is refused, and remembered.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::task::AbortHandle;

use crate::http::{self, Request};

/// The key of its project.
pub const KEY: &str = "0123456789abcdef0123456789abcdef";
const PROJECT: u32 = 4711;

/// A running server.
#[derive(Debug)]
pub struct Sentry {
    port: u16,
    server: AbortHandle,
    received: Arc<Mutex<Received>>,
}

#[derive(Debug, Default)]
struct Received {
    events: Vec<Value>,
    bodies: String,
    complaints: Vec<String>,
}

/// Starts one on a free port.
///
/// # Errors
/// When there is no port.
pub async fn sentry() -> Result<Sentry> {
    let received: Arc<Mutex<Received>> = Arc::default();
    let shared = Arc::clone(&received);
    let (port, server) = http::serve(move |request| lock(&shared).take(request)).await?;
    Ok(Sentry { port, server, received })
}

impl Sentry {
    /// The DSN of its project.
    #[must_use]
    pub fn dsn(&self) -> String {
        format!("http://{KEY}@127.0.0.1:{}/{PROJECT}", self.port)
    }

    /// The events so far.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        lock(&self.received).events.clone()
    }

    /// The first event of a process whose message begins with these words.
    ///
    /// # Errors
    /// When there is none, or something came that Sentry would have refused.
    pub fn event(&self, process: &str, words: &str) -> Result<Value> {
        let received = lock(&self.received);
        ensure!(received.complaints.is_empty(), "{:?}", received.complaints);
        let is_it = |event: &&Value| {
            let message = event.get("message").and_then(Value::as_str);
            event.pointer("/tags/process").is_some_and(|tag| tag == process)
                && message.is_some_and(|message| message.starts_with(words))
        };
        let found = received.events.iter().find(is_it);
        found.cloned().with_context(|| format!("no {words:?} of {process}: {:?}", received.events))
    }

    /// All that came, as text.
    #[must_use]
    pub fn everything(&self) -> String {
        lock(&self.received).bodies.clone()
    }
}

impl Drop for Sentry {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn lock(received: &Mutex<Received>) -> MutexGuard<'_, Received> {
    received.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Received {
    fn take(&mut self, request: &Request) -> (u16, Value) {
        self.bodies.push_str(&String::from_utf8_lossy(&request.body));
        match check(request) {
            Ok((id, events)) => {
                self.events.extend(events);
                (200, json!({ "id": id }))
            }
            Err(complaint) => {
                let complaint = format!("{complaint:#}");
                self.complaints.push(complaint.clone());
                (400, json!({ "detail": complaint }))
            }
        }
    }
}

/// The events of an envelope, and its id.
fn check(request: &Request) -> Result<(Value, Vec<Value>)> {
    let Request { method, path, headers, body } = request;
    ensure!(method == "POST" && *path == format!("/api/{PROJECT}/envelope/"), "{method} {path}");
    let auth = headers.get("x-sentry-auth").context("no X-Sentry-Auth")?;
    let pairs = auth.strip_prefix("Sentry ").context("not Sentry's authorization")?;
    let pairs: Vec<&str> = pairs.split(',').map(str::trim).collect();
    ensure!(pairs.contains(&format!("sentry_key={KEY}").as_str()), "not our key");
    ensure!(pairs.contains(&"sentry_version=7"), "not version 7");
    let (head, mut rest) = line(body)?;
    let id = head.get("event_id").and_then(Value::as_str);
    // With hyphens here, and without there.
    let id = Value::from(id.context("an envelope without event_id")?.replace('-', ""));
    let mut events = Vec::new();
    while !rest.is_empty() {
        let (head, after) = line(rest)?;
        let length = head.get("length").and_then(Value::as_u64).context("an item has no length")?;
        let (item, after) =
            after.split_at_checked(usize::try_from(length)?).context("an item is cut off")?;
        rest = after.strip_prefix(b"\n").unwrap_or(after);
        let item: Value = serde_json::from_slice(item).context("an item is no JSON")?;
        if head.get("type").is_some_and(|kind| kind == "event") {
            ensure!(item.get("event_id") == Some(&id), "an event with another id: {item}");
            ensure!(item.get("timestamp").is_some(), "an event without a time: {item}");
            events.push(item);
        }
    }
    Ok((id, events))
}

/// The first line as JSON, and what comes after it.
fn line(bytes: &[u8]) -> Result<(Value, &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n').context("a line has no end")?;
    let (line, rest) = bytes.split_at_checked(end).context("a line has no end")?;
    let value = serde_json::from_slice(line).context("a line is no JSON")?;
    Ok((value, rest.strip_prefix(b"\n").unwrap_or(rest)))
}
