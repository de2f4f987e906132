//! `hoop admin …`: manages the gateway.

mod create_agent;
mod create_connection;
mod create_credential;
mod create_plugin;
mod create_program;
mod create_user;
mod delete;
mod get;
mod get_agents;
mod get_credentials;
mod rotate_secrets;
mod secrets;
mod serverinfo;

use anyhow::Result;
use hoop_domain::GroupName;
use serde_json::json;

use crate::{
    args::{Admin, Create, Get, Reactivate},
    context::Context,
    output,
};

pub(crate) async fn run(command: Admin, context: &Context) -> Result<()> {
    match command {
        Admin::Create(create) => self::create(create, context).await,
        Admin::Get(Get::Agents { name: None }) => get_agents::run(context).await,
        Admin::Get(get) => get::run(get, context).await,
        Admin::Delete(delete) => delete::run(delete, context).await,
        Admin::Serverinfo => serverinfo::run(context).await,
        Admin::RotateSecrets { status } => rotate_secrets::run(context, status).await,
        Admin::Reactivate(Reactivate::ApiKey { name }) => {
            context.api.post(&["api-keys", &name, "reactivate"], &json!({})).await?;
            output::say(&format!("API key {name} works again"));
            Ok(())
        }
    }
}

async fn create(create: Create, context: &Context) -> Result<()> {
    match create {
        Create::Agent { name, mode } => create_agent::run(&name, mode, context).await,
        Create::Connection(connection) => create_connection::run(*connection, context).await,
        Create::User(user) => create_user::run(user, context).await,
        Create::Group { name } => {
            let name: GroupName = name.parse()?;
            context.api.post(&["users", "groups"], &json!({"name": name.as_str()})).await?;
            output::say(&format!("group {name} is made"));
            Ok(())
        }
        Create::Credential(credential) => create_credential::run(&credential, context).await,
        Create::Plugin(plugin) => create_plugin::run(&plugin, context).await,
        Create::ApiKey(key) => create_program::api_key(key, context).await,
        Create::ServiceAccount(account) => create_program::service_account(account, context).await,
    }
}
