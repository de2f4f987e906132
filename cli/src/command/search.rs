//! `hoop search TERM`: connections, agents and users by a part of their names.

use anyhow::Result;
use serde_json::Value;

use crate::{
    args::Search,
    context::Context,
    output::{self, field, is},
};

const HEADING: [&str; 3] = ["KIND", "NAME", "DETAILS"];

pub(crate) async fn run(wanted: &Search, context: &Context) -> Result<()> {
    let query = [("term", wanted.term.clone()), ("limit", wanted.limit.to_string())];
    let found = context.api.get(&["search"], &query).await?;
    if context.json() {
        return output::print_json(&found);
    }
    let rows = rows(&found);
    if rows.is_empty() {
        output::say("nothing that you may see has that in its name");
        return Ok(());
    }
    output::print(&output::table(HEADING, rows))?;
    if is(&found, "truncated") {
        output::say("there is more: add --limit 100, or look for more of the name");
    }
    Ok(())
}

fn rows(found: &Value) -> Vec<[String; 3]> {
    let each = |kind: &'static str| found.get(kind).and_then(Value::as_array).into_iter().flatten();
    let connections = each("connections").map(|one| {
        let [name, kind, agent] = ["name", "subtype", "agent_name"].map(|name| field(one, name));
        ["connection".to_owned(), name, format!("{kind} through {agent}")]
    });
    let agents =
        each("agents").map(|one| ["agent".to_owned(), field(one, "name"), field(one, "id")]);
    let users =
        each("users").map(|one| ["user".to_owned(), field(one, "email"), field(one, "name")]);
    connections.chain(agents).chain(users).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_found_is_listed_by_kind() {
        let found = json!({
            "connections": [{"name": "pg", "subtype": "postgres", "agent_name": "dev"}],
            "agents": [{"id": "1", "name": "pgs"}],
            "users": [{"email": "pg@example.com", "name": "P. G."}],
        });
        let expected = [
            ["connection", "pg", "postgres through dev"],
            ["agent", "pgs", "1"],
            ["user", "pg@example.com", "P. G."],
        ];
        assert_eq!(rows(&found), expected.map(|row| row.map(str::to_owned)));
        assert!(rows(&json!({})).is_empty());
    }
}
