//! `hoop admin get agents`.

use anyhow::Result;
use serde_json::Value;

use crate::{
    context::Context,
    output::{self, field},
};

const HEADING: [&str; 7] = ["UID", "NAME", "MODE", "VERSION", "HOSTNAME", "PLATFORM", "STATUS"];

pub(crate) async fn run(context: &Context) -> Result<()> {
    let agents = context.api.get(&["agents"], &()).await?;
    if context.json() {
        return output::print_json(&agents);
    }
    let agents = agents.as_array().map(Vec::as_slice).unwrap_or_default();
    if agents.is_empty() {
        output::say("there are no agents; make one with `hoop admin create agent NAME`");
        return Ok(());
    }
    Ok(output::print(&table(agents))?)
}

/// The promised columns.
pub(crate) fn table(agents: &[Value]) -> String {
    output::table(HEADING, agents.iter().map(row).collect())
}

fn row(agent: &Value) -> [String; 7] {
    let status = match field(agent, "status").as_str() {
        "CONNECTED" => "ONLINE",
        _ => "OFFLINE",
    };
    let [id, name, mode, version, hostname, platform] =
        ["id", "name", "mode", "version", "hostname", "platform"].map(|name| field(agent, name));
    [id, name, mode, version, hostname, platform, status.into()]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_agent_that_never_connected_has_dashes() {
        let agent = json!({"id": "1", "name": "dev", "mode": "standard", "status": "DISCONNECTED",
            "version": "", "hostname": "", "platform": ""});
        let shown = table(&[agent]);
        let cells: Vec<&str> = shown.lines().nth(1).unwrap().split_whitespace().collect();
        assert_eq!(cells, ["1", "dev", "standard", "-", "-", "-", "OFFLINE"]);
    }
}
