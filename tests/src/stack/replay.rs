//! A session as an auditor sees it: who, when, from where, each statement, what came back, how long.

use anyhow::{Context, Result};
use serde_json::Value;

use super::terminal::{quote, say};
use crate::{Rest, rest::text};

pub(super) async fn show(rest: &Rest, session: &Value) -> Result<()> {
    let id = text(session, "id");
    row("session", id);
    row("who", text(session, "user"));
    row("what", &format!("{} ({})", text(session, "connection"), text(session, "type")));
    row("from", &from(session));
    row("when", &format!("{} to {}", text(session, "start_date"), text(session, "end_date")));
    row("ended", text(session, "end_reason"));
    say("");
    let path = format!("/api/sessions/{id}/statements");
    let answer = rest.get(&path).await.context("read the statements")?;
    for statement in answer.get("data").and_then(Value::as_array).into_iter().flatten() {
        self::statement(statement);
    }
    Ok(())
}

fn row(name: &str, value: &str) {
    say(&format!("    {name:<10}{value}"));
}

fn from(session: &Value) -> String {
    format!("{} ({})", text(session, "client_address"), text(session, "client_application"))
}

fn statement(statement: &Value) {
    say(&format!("    {}  {}", text(statement, "at"), text(statement, "text")));
    quote(&format!("    {statement}"));
}
