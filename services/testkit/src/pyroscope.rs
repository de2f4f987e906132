//! A small, strict server that takes profiles as Pyroscope does: its push API, in protobuf.
//! Whatever else comes is refused, and remembered.

use std::{
    collections::BTreeMap,
    io::Read,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::{Context, Result, ensure};
use flate2::read::GzDecoder;
use prost::Message;
use serde_json::{Value, json};
use tokio::task::AbortHandle;

use crate::http::{self, Request};

/// A profile that has come.
#[derive(Debug, Clone)]
pub struct Profile {
    /// What it is of, such as `process`.
    pub labels: BTreeMap<String, String>,
    /// Who sent it.
    pub authorization: Option<String>,
}

/// A running server.
#[derive(Debug)]
pub struct Pyroscope {
    port: u16,
    server: AbortHandle,
    received: Arc<Mutex<Received>>,
}

#[derive(Debug, Default)]
struct Received {
    profiles: Vec<Profile>,
    complaints: Vec<String>,
}

/// `push.v1.PushRequest`, as far as we look at it.
#[derive(Clone, PartialEq, Message)]
struct Push {
    #[prost(message, repeated, tag = "1")]
    series: Vec<Series>,
}

#[derive(Clone, PartialEq, Message)]
struct Series {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
}

#[derive(Clone, PartialEq, Message)]
struct Label {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, PartialEq, Message)]
struct Sample {
    /// A profile in pprof's format.
    #[prost(bytes = "vec", tag = "1")]
    raw: Vec<u8>,
}

/// Starts one on a free port.
///
/// # Errors
/// When there is no port.
pub async fn pyroscope() -> Result<Pyroscope> {
    let received: Arc<Mutex<Received>> = Arc::default();
    let shared = Arc::clone(&received);
    let (port, server) = http::serve(move |request| lock(&shared).take(request)).await?;
    Ok(Pyroscope { port, server, received })
}

impl Pyroscope {
    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The first profile of a process.
    ///
    /// # Errors
    /// When there is none, or something came that Pyroscope would have refused.
    pub fn profile(&self, process: &str) -> Result<Profile> {
        let received = lock(&self.received);
        ensure!(received.complaints.is_empty(), "{:?}", received.complaints);
        let is_it = |profile: &&Profile| {
            profile.labels.get("process").is_some_and(|label| label == process)
        };
        let found = received.profiles.iter().find(is_it);
        found.cloned().with_context(|| format!("none of {process}: {:?}", received.profiles))
    }
}

impl Drop for Pyroscope {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn lock(received: &Mutex<Received>) -> MutexGuard<'_, Received> {
    received.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Received {
    fn take(&mut self, request: &Request) -> (u16, Value) {
        match check(request) {
            Ok(profiles) => {
                self.profiles.extend(profiles);
                (200, json!({}))
            }
            Err(complaint) => {
                let complaint = format!("{complaint:#}");
                self.complaints.push(complaint.clone());
                (400, json!({ "code": "invalid_argument", "message": complaint }))
            }
        }
    }
}

fn check(request: &Request) -> Result<Vec<Profile>> {
    let Request { method, path, headers, body } = request;
    ensure!(method == "POST" && path == "/push.v1.PusherService/Push", "{method} {path}");
    for (name, value) in [("content-type", "application/proto"), ("content-encoding", "gzip")] {
        ensure!(headers.get(name).is_some_and(|given| given == value), "{name} is not {value}");
    }
    let mut plain = Vec::new();
    GzDecoder::new(body.as_slice()).read_to_end(&mut plain).context("not gzip")?;
    let push = Push::decode(plain.as_slice()).context("no PushRequest")?;
    ensure!(!push.series.is_empty(), "nothing in it");
    push.series
        .into_iter()
        .map(|Series { labels, samples }| {
            ensure!(samples.iter().any(|sample| !sample.raw.is_empty()), "a series of nothing");
            let labels: BTreeMap<_, _> =
                labels.into_iter().map(|label| (label.name, label.value)).collect();
            for required in ["__name__", "service_name"] {
                ensure!(labels.contains_key(required), "no {required} in {labels:?}");
            }
            Ok(Profile { labels, authorization: headers.get("authorization").cloned() })
        })
        .collect()
}
