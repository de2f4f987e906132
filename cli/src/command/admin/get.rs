//! `hoop admin get …`.

mod credentials;
mod deliveries;
mod kinds;

use anyhow::Result;
use serde_json::Value;

use crate::{
    args::Get,
    command::{review, sessions},
    context::Context,
    output,
};
use kinds::Kind;

pub(crate) async fn run(get: Get, context: &Context) -> Result<()> {
    match get {
        Get::Agents { name } => show(&kinds::AGENTS, name.as_deref(), context).await,
        Get::Connections { name } => show(&kinds::CONNECTIONS, name.as_deref(), context).await,
        Get::Users { name } => show(&kinds::USERS, name.as_deref(), context).await,
        Get::Userinfo => show(&kinds::USERINFO, None, context).await,
        Get::Groups => show(&kinds::GROUPS, None, context).await,
        Get::Plugins { name } => show(&kinds::PLUGINS, name.as_deref(), context).await,
        Get::ApiKeys { name } => show(&kinds::API_KEYS, name.as_deref(), context).await,
        Get::ServiceAccounts { subject } => {
            show(&kinds::SERVICE_ACCOUNTS, subject.as_deref(), context).await
        }
        Get::Channels { name } => show(&kinds::CHANNELS, name.as_deref(), context).await,
        Get::Subscriptions { name } => show(&kinds::SUBSCRIPTIONS, name.as_deref(), context).await,
        Get::Sessions(wanted) => match wanted.id {
            Some(id) => sessions::show(&id, context).await,
            None => sessions::list(&wanted.filter, context).await,
        },
        Get::Reviews(filter) => review::list(&filter, context).await,
        Get::Credentials(wanted) => credentials::run(&wanted, context).await,
        Get::Deliveries(wanted) => deliveries::run(&wanted, context).await,
    }
}

/// All things of a kind, or the one with this name.
async fn show<const N: usize>(kind: &Kind<N>, name: Option<&str>, context: &Context) -> Result<()> {
    let path: Vec<&str> = kind.path.iter().copied().chain(name).collect();
    let answer = context.api.get(&path, &()).await;
    let answer = answer.map_err(|error| error.listed_by(&kind.command()))?;
    if context.json() {
        return output::print_json(&answer);
    }
    let things = match &answer {
        Value::Array(things) => things.as_slice(),
        one => std::slice::from_ref(one),
    };
    if things.is_empty() {
        output::say(&kind.nothing());
        return Ok(());
    }
    Ok(output::print(&kind.table(things))?)
}
