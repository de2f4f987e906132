//! `hoop review get ID`.

use anyhow::Result;
use serde_json::Value;

use super::{hours, list::approvals};
use crate::{
    context::Context,
    output::{self, field, printable},
};

pub(super) async fn run(id: &str, context: &Context) -> Result<()> {
    let review = context.api.get(&["reviews", id], &()).await;
    let review = review.map_err(|error| error.listed_by("hoop review list"))?;
    if context.json() {
        return output::print_json(&review);
    }
    Ok(output::print(&text(&review))?)
}

fn text(review: &Value) -> String {
    let email = |name: &str| review.get(name).map(|who| field(who, "email")).unwrap_or_default();
    let mut lines = vec![
        line("id", field(review, "id")),
        line("type", field(review, "type")),
        line("status", field(review, "status")),
        line("user", email("review_owner")),
        line("connection", field(review, "connection")),
        line("seconds", field(review, "access_duration_sec")),
        line("approvals", approvals(review)),
        line("created", field(review, "created_at")),
        line("ends", field(review, "revoke_at")),
        line("hours", hours(review).unwrap_or_else(|| "all".into())),
        line("decided by", email("decided_by")),
        line("reason", field(review, "rejection_reason")),
        line("session", field(review, "session")),
    ];
    let groups = review.get("review_groups_data").and_then(Value::as_array);
    for group in groups.into_iter().flatten() {
        let by = group.get("reviewed_by").map(|by| field(by, "email")).unwrap_or_default();
        let said = format!("{} {by}", field(group, "status"));
        lines.push(line(&format!("group {}", field(group, "group")), said.trim().to_owned()));
    }
    if field(review, "type") == "onetime" {
        lines.extend(["".to_owned(), format!("$ {}", command(review))]);
        // As it would be run, line by line, and nothing in it commands this terminal.
        let input = review.get("input").and_then(Value::as_str).unwrap_or_default();
        lines.extend(input.lines().map(|line| format!("| {}", printable(line))));
    }
    lines.join("\n")
}

fn line(label: &str, value: String) -> String {
    let value = if value.is_empty() { "-".to_owned() } else { value };
    format!("{label:<12} {value}")
}

/// The words of the command; what has a space in it is quoted, so that words can be told apart.
fn command(review: &Value) -> String {
    let words =
        |name: &str| review.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let all = [words("command"), words("arguments")].concat();
    let word = |word: &Value| {
        let word = printable(word.as_str().unwrap_or_default());
        let plain = !word.is_empty() && !word.contains([' ', '"', '\'']);
        if plain { word } else { format!("{word:?}") }
    };
    all.iter().map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_would_be_run_is_shown_as_it_is_and_commands_no_terminal() {
        let review = json!({"id": "1", "type": "onetime", "command": ["bash"],
            "arguments": ["-c", "echo a b"], "input": "first\nsecond\u{1b}[2J"});
        let shown = text(&review);
        assert!(shown.contains("hours        all\n"), "{shown}");
        let last: Vec<&str> = shown.lines().rev().take(3).collect();
        assert_eq!(last, ["| second\u{fffd}[2J", "| first", "$ bash -c \"echo a b\""]);
    }
}
