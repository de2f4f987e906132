//! `hoop admin delete …`.

use anyhow::Result;
use serde_json::json;

use crate::{args::Delete, context::Context, output};

pub(crate) async fn run(delete: Delete, context: &Context) -> Result<()> {
    let api = &context.api;
    let done = match &delete {
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
    };
    output::say(&done);
    Ok(())
}
