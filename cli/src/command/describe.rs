//! `hoop describe CONNECTION`: what it is, and how to use it.

use anyhow::Result;
use serde_json::Value;

use crate::{
    context::Context,
    output::{self, field, list},
};

/// What is shown, in this order, and under which name the API has it.
const FIELDS: &[(&str, &str)] = &[
    ("name", "name"),
    ("type", "subtype"),
    ("agent", "agent_name"),
    ("agent is", "status"),
    ("connect", "access_mode_connect"),
    ("exec", "access_mode_exec"),
    ("runbooks", "access_mode_runbooks"),
    ("reviewers", "reviewers"),
    ("approvals", "min_review_approvals"),
    ("groups", "access_groups"),
    ("command", "command"),
    ("secrets", "secret_names"),
    ("secrets given", "secrets_updated_at"),
    ("audit level", "audit_level"),
    ("longest session", "max_session_seconds"),
    ("longest idle", "idle_timeout_seconds"),
    ("sessions a user", "max_sessions_per_user"),
    ("sessions", "max_sessions"),
    ("changed", "updated_at"),
];

pub(crate) async fn run(name: &str, context: &Context) -> Result<()> {
    let connection = context.api.get(&["connections", name], &()).await;
    let connection = connection.map_err(|error| error.listed_by("hoop list"))?;
    if context.json() {
        return output::print_json(&connection);
    }
    output::print(&lines(&connection))?;
    for command in how_to_use(&connection) {
        output::say(&format!("use it: {command}"));
    }
    Ok(())
}

fn lines(connection: &Value) -> String {
    let line = |(label, name): &(&str, &str)| {
        let value = match connection.get(*name) {
            Some(Value::Array(_)) => list(connection, name).replace(',', " "),
            _ => field(connection, name),
        };
        let unit = if name.ends_with("_seconds") && !value.is_empty() { " s" } else { "" };
        let value = if value.is_empty() { "-" } else { &value };
        format!("{label:<16} {value}{unit}")
    };
    FIELDS.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Commands that work on it, as far as it allows them.
fn how_to_use(connection: &Value) -> Vec<String> {
    let (name, kind) = (field(connection, "name"), field(connection, "subtype"));
    let on = |mode: &str| field(connection, mode) == "enabled";
    let mut commands = Vec::new();
    if on("access_mode_connect") {
        commands.push(format!("hoop connect {name}"));
    }
    if on("access_mode_exec") && kind != "tcp" {
        commands.push(match kind.as_str() {
            "postgres" | "mysql" => format!("hoop exec {name} -i 'select 1'"),
            _ => format!("hoop exec {name}"),
        });
    }
    commands
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_connection_is_shown_with_what_it_allows() {
        let mut connection = json!({
            "name": "pg", "subtype": "postgres", "agent_name": "dev", "status": "online",
            "access_mode_connect": "enabled", "access_mode_exec": "enabled",
            "access_groups": ["dba", "dev"], "command": [], "secret_names": ["HOST", "PASS"],
            "idle_timeout_seconds": 60, "max_sessions": null,
        });
        let shown = lines(&connection);
        assert!(shown.contains("secrets          HOST PASS\n"), "{shown}");
        assert!(shown.contains("longest idle     60 s\n"), "{shown}");
        assert!(shown.contains("sessions         -\n"), "{shown}");
        assert_eq!(how_to_use(&connection), ["hoop connect pg", "hoop exec pg -i 'select 1'"]);
        connection["access_mode_exec"] = "disabled".into();
        assert_eq!(how_to_use(&connection), ["hoop connect pg"]);
    }
}
