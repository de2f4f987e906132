//! `hoop admin get …`, but for the list of agents, whose columns are promised, and what comes
//! in pages.

use anyhow::Result;
use serde_json::Value;

use crate::{
    args::Get,
    command::review,
    context::Context,
    output::{self, field, list},
};

const CONNECTIONS: [&str; 8] =
    ["NAME", "COMMAND", "TYPE", "AGENT", "STATUS", "GROUPS", "SECRETS", "AUDIT"];
const PLUGINS: [&str; 5] = ["NAME", "SOURCE", "PRIORITY", "CONNECTIONS", "CONFIG"];
const USERS: [&str; 6] = ["ID", "EMAIL", "NAME", "STATUS", "ROLE", "GROUPS"];
const API_KEYS: [&str; 7] =
    ["NAME", "KEY", "STATUS", "GROUPS", "SERVICEACCOUNT", "EXPIRES", "LAST USED"];
const SERVICE_ACCOUNTS: [&str; 5] = ["ID", "SUBJECT", "NAME", "STATUS", "GROUPS"];

pub(crate) async fn run(get: Get, context: &Context) -> Result<()> {
    let path: Vec<&str> = match &get {
        Get::Agents { name } => one_of("agents", name.as_deref()),
        Get::Connections { name } => one_of("connections", name.as_deref()),
        Get::Users { name } => one_of("users", name.as_deref()),
        Get::Groups => vec!["users", "groups"],
        Get::ApiKeys { name } => one_of("api-keys", name.as_deref()),
        Get::ServiceAccounts => vec!["serviceaccounts"],
        Get::Credentials(wanted) => return super::get_credentials::run(wanted, context).await,
        Get::Reviews(filter) => return review::list(filter, context).await,
        Get::Plugins { name } => one_of("plugins", name.as_deref()),
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
        Get::Plugins { .. } => output::table(PLUGINS, things.iter().map(plugin).collect()),
        Get::ApiKeys { .. } => output::table(API_KEYS, things.iter().map(api_key).collect()),
        Get::ServiceAccounts => {
            output::table(SERVICE_ACCOUNTS, things.iter().map(service_account).collect())
        }
        Get::Groups | Get::Credentials(_) | Get::Reviews(_) => {
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

fn plugin(value: &Value) -> [String; 5] {
    let [name, source, priority] = ["name", "source", "priority"].map(|name| field(value, name));
    let connections = value.get("connections").and_then(Value::as_array).into_iter().flatten();
    let connections: Vec<_> = connections.map(|one| field(one, "name")).collect();
    let config = value.get("config").and_then(|config| config.get("envvars"));
    let config = config.and_then(Value::as_object).into_iter().flatten();
    let config: Vec<_> = config.map(|(name, _)| output::printable(name)).collect();
    [name, source, priority, connections.join(","), config.join(",")]
}

fn user(value: &Value) -> [String; 6] {
    let [id, email, name, status, role] =
        ["id", "email", "name", "status", "role"].map(|name| field(value, name));
    [id, email, name, status, role, list(value, "groups")]
}

fn api_key(value: &Value) -> [String; 7] {
    let [name, key, status, account, expires, used] =
        ["name", "masked_key", "status", "service_account", "expires_at", "last_used_at"]
            .map(|name| field(value, name));
    [name, key, status.to_uppercase(), list(value, "groups"), account, expires, used]
}

fn service_account(value: &Value) -> [String; 5] {
    let [id, subject, name, status] =
        ["id", "subject", "name", "status"].map(|name| field(value, name));
    [id, subject, name, status.to_uppercase(), list(value, "groups")]
}

fn group(value: &Value) -> [String; 1] {
    [output::printable(value.as_str().unwrap_or_default())]
}
