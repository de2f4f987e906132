//! Webhooks, signed as <https://www.standardwebhooks.com> says: whoever knows the secret
//! can tell that the request is ours, whole and recent.

mod signature;

use std::time::Duration;

use chrono::{SecondsFormat, Utc};
use reqwest::{
    Client, Response, StatusCode, Url,
    header::{CONTENT_TYPE, RETRY_AFTER},
};

use super::Failure;
use crate::event::Event;

pub use signature::{InvalidSecret, Secret};

/// As long as the standard recommends; a receiver should queue and answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where events are posted.
#[derive(Debug)]
pub struct Webhook {
    client: Client,
    url: Url,
    secret: Secret,
}

impl Webhook {
    /// A webhook to `url`.
    ///
    /// # Errors
    /// When there is no TLS to be had.
    pub fn new(url: Url, secret: Secret) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .timeout(PATIENCE)
            // A redirect would take the event to where nobody configured it to go.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("hoop-notifier/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, url, secret })
    }

    pub(super) async fn post(&self, event: &Event) -> Result<(), Failure> {
        let id = event.id.to_string();
        let timestamp = Utc::now().timestamp();
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
        match request.send().await {
            Ok(response) => judge(&response),
            // The URL may hold a token.
            Err(error) => Err(Failure::temporary(causes(&error.without_url()))),
        }
    }
}

fn body(event: &Event) -> String {
    let body = serde_json::json!({
        "type": event.kind,
        "timestamp": event.at.to_rfc3339_opts(SecondsFormat::Micros, true),
        "org": event.org.to_string(),
        "data": event.fields,
    });
    body.to_string()
}

fn judge(response: &Response) -> Result<(), Failure> {
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    let pause = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    Err(Failure {
        why: format!("the webhook answered {status}"),
        // "Gone" is how a receiver says never again. All others may be a mistake that
        // somebody is about to correct.
        temporary: status != StatusCode::GONE,
        pause: pause.and_then(|text| text.parse().ok()).map(Duration::from_secs),
    })
}

/// The client's errors name their cause only as source.
fn causes(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        words.push_str(": ");
        words.push_str(&cause.to_string());
        next = cause.source();
    }
    words
}
