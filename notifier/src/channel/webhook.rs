//! Webhooks, signed as <https://www.standardwebhooks.com> says: whoever knows the secret
//! can tell that the request is ours, whole and recent.

mod signature;

use chrono::{DateTime, SecondsFormat, Utc};
use hoop_store::outbox::Event;
use reqwest::{Client, StatusCode, Url, header::CONTENT_TYPE};

use super::{Failure, Known, http};

pub use signature::{InvalidSecret, Secret};

/// Where events are posted.
#[derive(Debug)]
pub struct Webhook {
    client: Client,
    url: Url,
    secret: Secret,
}

impl Webhook {
    pub(super) fn new(known: Known<'_>, client: Client) -> Result<Self, Failure> {
        let secret = known.needed("signing_secret")?.parse();
        let secret = secret.map_err(|error: InvalidSecret| {
            Failure::temporary(format!("the channel's signing_secret: {error}"))
        })?;
        Ok(Self { client, url: http::url(known.needed("url")?, "url")?, secret })
    }

    /// The id of the event is the id of the message: a receiver that sees it again has it.
    pub(super) async fn post(&self, event: &Event, now: DateTime<Utc>) -> Result<(), Failure> {
        let id = event.id.to_string();
        let timestamp = now.timestamp();
        let body = body(event);
        let signature = self.secret.sign(&id, timestamp, &body);
        let request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signature)
            .body(body);
        // "Gone" is how a receiver says never again. All others may be a mistake that
        // somebody is about to correct.
        http::exchange(request, "the webhook", &[StatusCode::GONE], now).await.map(drop)
    }
}

fn body(event: &Event) -> String {
    let body = serde_json::json!({
        "type": event.kind,
        "timestamp": event.at.to_rfc3339_opts(SecondsFormat::Micros, true),
        "org": event.org.to_string(),
        "data": event.body,
    });
    body.to_string()
}
