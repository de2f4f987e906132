//! `hoop admin rotate-secrets`: everything that is encrypted at rest, with the first key.

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::{context::Context, output};

/// Steps until all is done. What was done stays, whenever this ends.
pub(crate) async fn run(context: &Context, status: bool) -> Result<()> {
    if status {
        return show(context).await;
    }
    let (mut seen, mut renewed, mut broken) = (0, 0, Vec::new());
    let mut body = json!({});
    loop {
        let step = context.api.post(&["secrets", "rotation"], &body).await?;
        seen += count(&step, "seen");
        renewed += count(&step, "renewed");
        broken.extend(names(&step));
        let next = output::field(&step, "next_cursor");
        if next.is_empty() {
            break;
        }
        output::say(&format!("{seen} secrets looked at, {renewed} encrypted anew"));
        body = json!({ "cursor": next });
    }
    if context.json() {
        let done = json!({ "seen": seen, "renewed": renewed, "broken": broken });
        output::print_json(&done)?;
    } else {
        output::print(&format!("{seen} secrets, {renewed} encrypted anew"))?;
    }
    complain(&broken)
}

async fn show(context: &Context) -> Result<()> {
    let status = context.api.get(&["secrets", "rotation"], &()).await?;
    if context.json() {
        output::print_json(&status)?;
    } else {
        let keys = status.get("keys").and_then(Value::as_array).into_iter().flatten();
        for (number, key) in keys.filter_map(Value::as_str).enumerate() {
            let does = if number == 0 { "encrypts" } else { "opens what is old" };
            output::print(&format!("key {}  {does}", output::printable(key)))?;
        }
        let (total, remaining) = (count(&status, "total"), count(&status, "remaining"));
        output::print(&format!("{total} secrets, {remaining} not under the first key yet"))?;
    }
    complain(&names(&status))
}

fn complain(broken: &[String]) -> Result<()> {
    if broken.is_empty() {
        return Ok(());
    }
    bail!(
        "these open with none of the keys in SECRETS_KEY: {}; add the key that they were stored \
         with, or give their secrets again",
        broken.join(", ")
    )
}

fn count(answer: &Value, name: &str) -> u64 {
    answer.get(name).and_then(Value::as_u64).unwrap_or_default()
}

fn names(answer: &Value) -> Vec<String> {
    let broken = answer.get("broken").and_then(Value::as_array).into_iter().flatten();
    broken.filter_map(Value::as_str).map(output::printable).collect()
}
