//! `hoop admin delete …`.

use anyhow::Result;
use serde_json::json;

use crate::{api::Error, args::Delete, context::Context, output};

pub(crate) async fn run(delete: Delete, context: &Context) -> Result<()> {
    let done = gone(&delete, context).await;
    let done = done.map_err(|error| error.listed_by(listed_by(&delete)))?;
    output::say(&done);
    Ok(())
}

/// What is said when it is gone.
async fn gone(delete: &Delete, context: &Context) -> Result<String, Error> {
    let api = &context.api;
    Ok(match delete {
        Delete::Agent { name } => {
            api.delete(&["agents", name]).await?;
            format!("agent {name} is deleted, and its key no longer valid")
        }
        Delete::Connection { name } => {
            api.delete(&["connections", name]).await?;
            format!("connection {name} is deleted, and its sessions are over")
        }
        Delete::User { name } => {
            api.delete(&["users", name]).await?;
            format!("user {name} is deleted, and their sessions are over")
        }
        Delete::Group { name } => {
            api.delete(&["users", "groups", name]).await?;
            format!("group {name} is deleted")
        }
        Delete::Credential { connection, id } => {
            let path = ["connections", connection, "credentials", id, "revoke"];
            api.post(&path, &json!({})).await?;
            format!("credential {id} is revoked, and its sessions are over")
        }
        Delete::ApiKey { name } => {
            api.delete(&["api-keys", name]).await?;
            format!("API key {name} is revoked, and its sessions are over")
        }
        Delete::ServiceAccount { subject } => {
            api.delete(&["serviceaccounts", subject]).await?;
            format!("service account {subject} is deleted, and its sessions are over")
        }
        Delete::Plugin { name } => {
            let body = json!({"name": name, "connections": []});
            api.put(&["plugins", name], &body).await?;
            format!("plugin {name} is enabled for no connection any more")
        }
        Delete::Channel { name } => {
            api.delete(&["notifications", "channels", name]).await?;
            format!("channel {name} is deleted, and what was on its way through it is given up")
        }
        Delete::Subscription { name } => {
            api.delete(&["notifications", "subscriptions", name]).await?;
            format!("subscription {name} is deleted")
        }
    })
}

/// What lists the things of which one is deleted.
const fn listed_by(delete: &Delete) -> &'static str {
    match delete {
        Delete::Agent { .. } => "hoop admin get agents",
        Delete::Connection { .. } => "hoop admin get connections",
        Delete::User { .. } => "hoop admin get users",
        Delete::Group { .. } => "hoop admin get groups",
        Delete::Credential { .. } => "hoop admin get credentials",
        Delete::ApiKey { .. } => "hoop admin get api-keys",
        Delete::ServiceAccount { .. } => "hoop admin get serviceaccounts",
        Delete::Plugin { .. } => "hoop admin get plugins",
        Delete::Channel { .. } => "hoop admin get channels",
        Delete::Subscription { .. } => "hoop admin get subscriptions",
    }
}
