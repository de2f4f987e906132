//! A session as an auditor sees it: who, when, from where, each statement, what came back, how long.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use super::terminal::{say, size, spoken};
use crate::{Rest, rest::text};

pub(super) async fn show(rest: &Rest, session: &Value) -> Result<()> {
    let id = text(session, "id");
    row("session", id);
    row("who", text(session, "user"));
    row(
        "what",
        &format!(
            "{}, through the agent {}",
            text(session, "connection"),
            text(session, "agent_name")
        ),
    );
    row("from", &from(session));
    row("when", &format!("{} to {}", text(session, "start_date"), text(session, "end_date")));
    row("ended", text(session, "end_reason"));
    say("");
    let answer = rest.get(&format!("/api/sessions/{id}/statements")).await?;
    let statements = answer.get("data").and_then(Value::as_array).context("no statements")?;
    statements.iter().for_each(statement);
    Ok(())
}

fn row(name: &str, value: &str) {
    say(&format!("    {name:<10}{value}"));
}

fn from(session: &Value) -> String {
    format!("{} ({})", text(session, "client_address"), text(session, "client_application"))
}

fn statement(statement: &Value) {
    let number = |name: &str| statement.get(name).and_then(Value::as_u64).unwrap_or_default();
    let outcome = match statement.get("error").filter(|error| !error.is_null()) {
        Some(error) => format!("{} {}", text(error, "sqlstate"), text(error, "message")),
        None => text(statement, "tag").to_owned(),
    };
    say(&format!("    {}  {}", clock(text(statement, "at")), text(statement, "text")));
    say(&format!(
        "    {:<14}{outcome}, {} in {}",
        "",
        size(number("bytes_out")),
        spoken(Duration::from_micros(number("duration_us")))
    ));
}

/// The time of day of an RFC 3339 time, to the millisecond.
fn clock(instant: &str) -> &str {
    let time = instant.split('T').nth(1).unwrap_or(instant);
    time.get(..12).unwrap_or(time)
}
