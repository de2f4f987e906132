//! `hoop admin get …`, but for the list of agents, whose columns are promised, and what comes
//! in pages.

use anyhow::Result;
use serde_json::Value;

use crate::{
    args::Get,
    context::Context,
    output::{self, field, list},
};

const CONNECTIONS: [&str; 8] =
    ["NAME", "COMMAND", "TYPE", "AGENT", "STATUS", "GROUPS", "SECRETS", "AUDIT"];
const USERS: [&str; 6] = ["ID", "EMAIL", "NAME", "STATUS", "ROLE", "GROUPS"];

pub(crate) async fn run(get: Get, context: &Context) -> Result<()> {
    let path: Vec<&str> = match &get {
        Get::Agents { name } => one_of("agents", name.as_deref()),
        Get::Connections { name } => one_of("connections", name.as_deref()),
        Get::Users { name } => one_of("users", name.as_deref()),
        Get::Groups => vec!["users", "groups"],
        Get::Credentials(wanted) => return super::get_credentials::run(wanted, context).await,
    };
    let answer = context.api.get(&path, &()).await?;
    if context.json() {
        return output::print_json(&answer);
    }
    let things = match &answer {
        Value::Array(things) => things.as_slice(),
        one => std::slice::from_ref(one),
    };
    let shown = match get {
        Get::Agents { .. } => super::get_agents::table(things),
        Get::Connections { .. } => {
            output::table(CONNECTIONS, things.iter().map(connection).collect())
        }
        Get::Users { .. } => output::table(USERS, things.iter().map(user).collect()),
        Get::Groups | Get::Credentials(_) => {
            output::table(["NAME"], things.iter().map(group).collect())
        }
    };
    Ok(output::print(&shown)?)
}

fn one_of<'a>(things: &'a str, name: Option<&'a str>) -> Vec<&'a str> {
    std::iter::once(things).chain(name).collect()
}

fn connection(value: &Value) -> [String; 8] {
    let [name, kind, agent, status, audit] =
        ["name", "subtype", "agent_name", "status", "audit_level"].map(|name| field(value, name));
    let command = list(value, "command").replace(',', " ");
    let (groups, secrets) = (list(value, "access_groups"), list(value, "secret_names"));
    [name, command, kind, agent, status.to_uppercase(), groups, secrets, audit]
}

fn user(value: &Value) -> [String; 6] {
    let [id, email, name, status, role] =
        ["id", "email", "name", "status", "role"].map(|name| field(value, name));
    [id, email, name, status, role, list(value, "groups")]
}

fn group(value: &Value) -> [String; 1] {
    [output::printable(value.as_str().unwrap_or_default())]
}
