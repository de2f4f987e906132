//! Slack, through an incoming webhook or as a bot, in Block Kit.

use chrono::{DateTime, Utc};
use hoop_store::notification::delivery::Claimed;
use reqwest::{Client, StatusCode, Url};
use serde_json::{Value, json};

use super::{Failure, Known, http};
use crate::message::{Message, escape, short};

const API: &str = "https://slack.com/api";

/// What Slack says when it is Slack's own trouble.
const PASSING: &[&str] = &[
    "ratelimited",
    "rate_limited",
    "internal_error",
    "fatal_error",
    "service_unavailable",
    "request_timeout",
    "team_added_to_org",
];

/// No such webhook or channel any more, or a message that it does not take.
const NEVER: &[StatusCode] =
    &[StatusCode::BAD_REQUEST, StatusCode::FORBIDDEN, StatusCode::NOT_FOUND, StatusCode::GONE];

/// A way into Slack.
#[derive(Debug)]
pub struct Slack {
    client: Client,
    door: Door,
}

enum Door {
    /// Posts to the one channel that it was made for.
    Webhook(Url),
    /// Posts to any channel that the bot is in.
    Bot { url: Url, token: String },
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Webhook(_) => "Webhook",
            Self::Bot { .. } => "Bot",
        })
    }
}

impl Slack {
    pub(super) fn new(known: Known<'_>, client: Client) -> Result<Self, Failure> {
        let door = match known.secret("webhook_url") {
            Some(url) => Door::Webhook(http::url(url, "webhook_url")?),
            None => {
                let api = known.setting("api_url").unwrap_or(API).trim_end_matches('/');
                let url = http::url(&format!("{api}/chat.postMessage"), "api_url")?;
                Door::Bot { url, token: known.needed("bot_token")?.to_owned() }
            }
        };
        Ok(Self { client, door })
    }

    pub(super) async fn post(
        &self,
        delivery: &Claimed,
        message: &Message,
        now: DateTime<Utc>,
    ) -> Result<(), Failure> {
        let mut body = body(delivery, message);
        match &self.door {
            Door::Webhook(url) => {
                let request = self.client.post(url.clone()).json(&body);
                let answer = http::exchange(request, "Slack", NEVER, now).await?;
                // Its one good answer; a proxy's page of HTML is another.
                if answer.trim_ascii() == b"ok" { Ok(()) } else { Err(strange()) }
            }
            Door::Bot { url, token } => {
                if let Some(fields) = body.as_object_mut() {
                    fields.insert("channel".into(), delivery.recipient.clone().into());
                }
                let request = self.client.post(url.clone()).bearer_auth(token).json(&body);
                judge(&http::exchange(request, "Slack", NEVER, now).await?)
            }
        }
    }
}

fn strange() -> Failure {
    Failure::temporary("Slack answered something that is not an answer of Slack's")
}

fn judge(answer: &[u8]) -> Result<(), Failure> {
    let answer: Value = serde_json::from_slice(answer).map_err(|_| strange())?;
    match answer.get("ok").and_then(Value::as_bool) {
        Some(true) => return Ok(()),
        Some(false) => {}
        None => return Err(strange()),
    }
    let error = answer.get("error").and_then(Value::as_str).unwrap_or("no reason");
    let why = format!("Slack refused: {}", short(error, 100));
    if PASSING.contains(&error) {
        Err(Failure::temporary(why))
    } else {
        Err(Failure::permanent(why))
    }
}

fn body(delivery: &Claimed, message: &Message) -> Value {
    let fields: Vec<Value> = message
        .fields
        .iter()
        .map(|(name, value)| {
            json!({ "type": "mrkdwn", "text": format!("*{}*\n{}", escape(name), escape(value)) })
        })
        .collect();
    let mut blocks = vec![json!({
        "type": "header",
        "text": { "type": "plain_text", "text": message.title, "emoji": false },
    })];
    if !fields.is_empty() {
        blocks.push(json!({ "type": "section", "fields": fields }));
    }
    let event = &delivery.event;
    let note = format!("{} · {} · {}", event.kind, event.at.to_rfc3339(), event.id);
    blocks.push(json!({
        "type": "context",
        "elements": [{ "type": "plain_text", "text": note, "emoji": false }],
    }));
    json!({
        // The same however often it is sent, for whoever wants to tell.
        "client_msg_id": delivery.id.to_string(),
        "text": escape(&message.title),
        "blocks": blocks,
        "unfurl_links": false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_passes_by_itself_is_tried_again() {
        assert_eq!(judge(br#"{"ok":true}"#), Ok(()));
        let temporary = |answer: &[u8]| judge(answer).unwrap_err().temporary;
        assert!(temporary(br#"{"ok":false,"error":"internal_error"}"#));
        assert!(temporary(b"<html>") && temporary(b""));
        assert!(!temporary(br#"{"ok":false,"error":"channel_not_found"}"#));
    }
}
