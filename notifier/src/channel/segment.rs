//! Segment: figures about how the product is used. It is told that something happened and when,
//! and never who did it, where, or with what.

use chrono::{DateTime, SecondsFormat, Utc};
use hoop_store::outbox::Event;
use reqwest::{Client, StatusCode, Url};
use serde_json::{Value, json};

use super::{Failure, Known, http};

const API: &str = "https://api.segment.io";

/// What is wrong with the request stays wrong.
const NEVER: &[StatusCode] = &[StatusCode::BAD_REQUEST, StatusCode::PAYLOAD_TOO_LARGE];

/// A source at Segment.
pub struct Segment {
    client: Client,
    url: Url,
    key: String,
}

impl std::fmt::Debug for Segment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Segment(***)")
    }
}

impl Segment {
    pub(super) fn new(known: Known<'_>, client: Client) -> Result<Self, Failure> {
        let api = known.setting("api_url").unwrap_or(API).trim_end_matches('/');
        Ok(Self {
            client,
            url: http::url(&format!("{api}/v1/batch"), "api_url")?,
            key: known.needed("write_key")?.to_owned(),
        })
    }

    pub(super) async fn post(&self, event: &Event, now: DateTime<Utc>) -> Result<(), Failure> {
        let request = self.client.post(self.url.clone());
        let request = request.basic_auth(&self.key, None::<&str>).json(&body(event));
        let answer = http::exchange(request, "Segment", NEVER, now).await?;
        match serde_json::from_slice::<Value>(&answer) {
            Ok(answer) if answer.get("success") == Some(&Value::Bool(true)) => Ok(()),
            _ => Err(Failure::temporary("Segment answered something that is not its success")),
        }
    }
}

/// All that is sent of an event: nothing that is in it is.
fn body(event: &Event) -> Value {
    json!({ "batch": [{
        "type": "track",
        "event": event.kind,
        "timestamp": event.at.to_rfc3339_opts(SecondsFormat::Millis, true),
        "anonymousId": event.org.to_string(),
        // What comes twice is counted once.
        "messageId": event.id.to_string(),
        "context": { "app": { "name": "hoop", "version": env!("CARGO_PKG_VERSION") } },
    }]})
}
