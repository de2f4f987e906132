//! MagicBell: one request for a batch of recipients.

use chrono::{DateTime, Utc};
use hoop_store::notification::delivery::Claimed;
use reqwest::{Client, StatusCode, Url};
use serde_json::{Value, json};

use super::{Failure, Known, http};
use crate::message::Message;

const API: &str = "https://api.magicbell.com";

/// What is wrong with the request stays wrong.
const NEVER: &[StatusCode] = &[
    StatusCode::BAD_REQUEST,
    StatusCode::NOT_FOUND,
    StatusCode::PAYLOAD_TOO_LARGE,
    StatusCode::UNPROCESSABLE_ENTITY,
];

/// A MagicBell project.
pub struct MagicBell {
    client: Client,
    url: Url,
    key: String,
    secret: String,
}

impl std::fmt::Debug for MagicBell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MagicBell(***)")
    }
}

impl MagicBell {
    pub(super) fn new(known: Known<'_>, client: Client) -> Result<Self, Failure> {
        let api = known.setting("api_url").unwrap_or(API).trim_end_matches('/');
        Ok(Self {
            client,
            url: http::url(&format!("{api}/notifications"), "api_url")?,
            key: known.needed("api_key")?.to_owned(),
            secret: known.needed("api_secret")?.to_owned(),
        })
    }

    pub(super) async fn post(
        &self,
        delivery: &Claimed,
        message: &Message,
        now: DateTime<Utc>,
    ) -> Result<(), Failure> {
        let request = self
            .client
            .post(self.url.clone())
            .header("X-MAGICBELL-API-KEY", &self.key)
            .header("X-MAGICBELL-API-SECRET", &self.secret)
            // The batch of a delivery never changes, so neither does this.
            .header("Idempotency-Key", delivery.id.to_string())
            .json(&body(delivery, message));
        let answer = http::exchange(request, "MagicBell", NEVER, now).await?;
        match serde_json::from_slice::<Value>(&answer) {
            Ok(Value::Object(_)) => Ok(()),
            _ => Err(Failure::temporary("MagicBell answered something that is not JSON")),
        }
    }
}

fn body(delivery: &Claimed, message: &Message) -> Value {
    let recipients: Vec<Value> = delivery
        .recipient
        .split(',')
        .filter(|recipient| !recipient.is_empty())
        .map(|recipient| match recipient.contains('@') {
            true => json!({ "email": recipient }),
            false => json!({ "external_id": recipient }),
        })
        .collect();
    json!({ "notification": {
        "title": message.title,
        "content": message.text(),
        "category": delivery.event.kind.replace('.', "-"),
        "recipients": recipients,
        "custom_attributes": { "event": delivery.event.id.to_string() },
    }})
}
