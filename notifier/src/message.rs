//! An event in words: a title, and what is known about it.
//!
//! Names in events were chosen by people, so nothing here is taken for markup or for a
//! second line.

use hoop_store::outbox::Event;
use serde_json::Value;

/// As long as a title in Slack may be.
const LONGEST_TITLE: usize = 150;
const LONGEST_VALUE: usize = 500;
/// As many as Slack shows in one section.
const FIELDS: usize = 10;

/// What a person reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// One line.
    pub title: String,
    /// Names and values.
    pub fields: Vec<(String, String)>,
}

impl Message {
    /// Puts `event` into words.
    #[must_use]
    pub fn of(event: &Event) -> Self {
        let fields = match &event.body {
            Value::Object(fields) => fields
                .iter()
                .filter_map(|(name, value)| Some((words(name), plain(value)?)))
                .take(FIELDS)
                .collect(),
            _ => Vec::new(),
        };
        Self { title: short(&title(event), LONGEST_TITLE), fields }
    }

    /// As plain text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("{}\n\n", self.title);
        for (name, value) in &self.fields {
            text.push_str(&format!("{name}: {value}\n"));
        }
        text
    }

    /// As HTML.
    #[must_use]
    pub fn html(&self) -> String {
        let mut rows = String::new();
        for (name, value) in &self.fields {
            rows.push_str(&format!("<tr><th>{}</th><td>{}</td></tr>", escape(name), escape(value)));
        }
        let title = escape(&self.title);
        format!("<!doctype html><html><body><h2>{title}</h2><table>{rows}</table></body></html>")
    }
}

fn title(event: &Event) -> String {
    let field = |name: &str| event.body.get(name).and_then(plain).unwrap_or_else(|| "?".into());
    let session = || format!("{} on {}", field("user_email"), field("connection_name"));
    match event.kind.as_str() {
        "session.opened" => format!("Session opened: {}", session()),
        "session.closed" => format!("Session closed: {}", session()),
        "session.killed" => format!("Session ended: {}: {}", session(), field("message")),
        "session.failed" => format!("Session failed: {}: {}", session(), field("message")),
        "agent.connected" => format!("Agent connected: {}", field("name")),
        "agent.lost" => format!("Agent lost: {}", field("name")),
        "credential.minted" => format!("Credential minted: {}", session()),
        "review.created" => format!("Approval needed: {}", session()),
        "review.approved" => format!("Approved: {} by {}", session(), field("decided_by")),
        "review.rejected" if event.body.get("decided_by").is_some_and(Value::is_null) => {
            format!("Nobody approved in time: {}", session())
        }
        "review.rejected" => format!("Rejected: {} by {}", session(), field("decided_by")),
        "review.revoked" => format!("Approval revoked: {} by {}", session(), field("decided_by")),
        "audit.failed" => format!("Recording has flaws: session {}", field("session")),
        "channel.test" => format!("Test of the channel {}", field("channel")),
        other => other.to_owned(),
    }
}

/// `connection_name` as people write it.
fn words(name: &str) -> String {
    short(&name.replace('_', " "), LONGEST_VALUE)
}

/// A value in one line; nothing for what is not there.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(short(text, LONGEST_VALUE)),
        other => Some(short(&other.to_string(), LONGEST_VALUE)),
    }
}

/// One line of at most `longest` characters.
pub(crate) fn short(text: &str, longest: usize) -> String {
    let line = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    line.take(longest).collect()
}

/// For HTML, and for Slack, which gives the same characters a meaning.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use hoop_domain::{EventId, OrgId, time};

    use super::*;

    fn event(kind: &str, body: Value) -> Event {
        let (id, org) = (EventId::generate(), OrgId::generate());
        Event { id, org, at: time::from_micros(0), kind: kind.into(), body }
    }

    #[test]
    fn names_are_neither_markup_nor_lines() {
        let body = serde_json::json!({
            "user_email": "<b>eve</b>\r\nBcc: all@example.com",
            "connection_name": "pg",
        });
        let message = Message::of(&event("session.opened", body));
        assert_eq!(message.title, "Session opened: <b>eve</b>  Bcc: all@example.com on pg");
        assert!(!message.html().contains("<b>eve"), "{}", message.html());
        assert_eq!(message.text().lines().count(), 4);
    }

    #[test]
    fn a_request_about_which_nobody_decided_was_rejected_by_nobody() {
        let title = |by: Value| {
            let body = serde_json::json!({
                "user_email": "ann@example.com", "connection_name": "pg", "decided_by": by,
            });
            Message::of(&event("review.rejected", body)).title
        };
        assert_eq!(title("bob".into()), "Rejected: ann@example.com on pg by bob");
        assert_eq!(title(Value::Null), "Nobody approved in time: ann@example.com on pg");
    }

    #[test]
    fn an_event_of_another_version_is_told_all_the_same() {
        let message = Message::of(&event("moon.landed", serde_json::json!([1])));
        assert_eq!(message, Message { title: "moon.landed".into(), fields: Vec::new() });
    }
}
