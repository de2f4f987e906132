//! `hoop list`: the connections that the user may use.

use anyhow::Result;
use serde_json::Value;

use crate::{
    context::Context,
    output::{self, field},
};

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
    Ok(output::print(&output::table(["NAME", "TYPE", "AGENT", "STATUS"], rows))?)
}

fn row(connection: &Value) -> [String; 4] {
    let [name, kind, agent, status] =
        ["name", "subtype", "agent_name", "status"].map(|name| field(connection, name));
    [name, kind, agent, status.to_uppercase()]
}
