//! `hoop admin …`: manages the gateway.

mod create_agent;
mod create_channel;
mod create_connection;
mod create_credential;
mod create_plugin;
mod create_program;
mod create_subscription;
mod create_user;
mod delete;
mod get;
mod redrive;
mod rotate_secrets;
mod secrets;
mod serverinfo;
mod trial;

use anyhow::Result;
use hoop_domain::GroupName;
use serde_json::{Value, json};

use crate::{
    api::Error,
    args::{Admin, Create, Reactivate},
    context::Context,
    output,
};

pub(crate) async fn run(command: Admin, context: &Context) -> Result<()> {
    match command {
        Admin::Create(create) => self::create(create, context).await,
        Admin::Get(get) => get::run(get, context).await,
        Admin::Delete(delete) => delete::run(delete, context).await,
        Admin::Test(test) => trial::run(test, context).await,
        Admin::Redrive(redrive) => redrive::run(redrive, context).await,
        Admin::Serverinfo => serverinfo::run(context).await,
        Admin::RotateSecrets { status } => rotate_secrets::run(context, status).await,
        Admin::Reactivate(Reactivate::ApiKey { name }) => {
            let done = context.api.post(&["api-keys", &name, "reactivate"], &json!({})).await;
            done.map_err(|error| error.listed_by("hoop admin get api-keys"))?;
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
        Create::Channel(channel) => create_channel::run(&channel, context).await,
        Create::Subscription(wanted) => create_subscription::run(&wanted, context).await,
    }
}

/// What is at `path`, if anything is.
async fn existing(path: &[&str], context: &Context) -> Result<Option<Value>> {
    match context.api.get(path, &()).await {
        Ok(thing) => Ok(Some(thing)),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
