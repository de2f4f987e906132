//! `hoop list`: the connections that the user may use.

use anyhow::Result;
use serde_json::Value;

use crate::{
    context::Context,
    output::{self, field, list},
};

const WIDE: [&str; 8] = ["NAME", "TYPE", "AGENT", "STATUS", "CONNECT", "EXEC", "GROUPS", "AUDIT"];

pub(crate) async fn run(context: &Context) -> Result<()> {
    let connections = context.api.get(&["connections"], &()).await?;
    if context.json() {
        return output::print_json(&connections);
    }
    let rows: Vec<_> = connections.as_array().into_iter().flatten().map(row).collect();
    if rows.is_empty() {
        output::say("there is no connection that you may use; ask an administrator for access");
        return Ok(());
    }
    let shown = if context.wide() {
        let more = connections.as_array().into_iter().flatten().map(wide).collect();
        output::table(WIDE, more)
    } else {
        output::table(["NAME", "TYPE", "AGENT", "STATUS"], rows)
    };
    Ok(output::print(&shown)?)
}

fn wide(connection: &Value) -> [String; 8] {
    let [name, kind, agent, status] = row(connection);
    let [connect, exec, audit] = ["access_mode_connect", "access_mode_exec", "audit_level"]
        .map(|name| field(connection, name));
    [name, kind, agent, status, connect, exec, list(connection, "access_groups"), audit]
}

fn row(connection: &Value) -> [String; 4] {
    let [name, kind, agent, status] =
        ["name", "subtype", "agent_name", "status"].map(|name| field(connection, name));
    [name, kind, agent, status.to_uppercase()]
}
