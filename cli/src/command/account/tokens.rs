//! `hoop account tokens …`.

use anyhow::Result;
use serde_json::{Value, json};

use super::owner;
use crate::{
    args::Tokens,
    context::Context,
    output::{self, field},
};

const HEADING: [&str; 4] = ["ID", "NAME", "CREATED", "EXPIRES"];

pub(super) async fn run(command: Tokens, context: &Context) -> Result<()> {
    match command {
        Tokens::List(whose) => list(&owner(&whose, context).await?, context).await,
        Tokens::Create { name, expires_in, whose } => {
            let seconds = expires_in.map(|time| time.as_secs());
            let body = json!({"name": name, "expires_in_seconds": seconds});
            create(&owner(&whose, context).await?, &body, context).await
        }
        Tokens::Revoke { id, whose } => {
            let owner = owner(&whose, context).await?;
            let done = context.api.delete(&["users", &owner, "tokens", &id]).await;
            done.map_err(|error| error.listed_by("hoop account tokens list"))?;
            output::say(&format!("token {id} is revoked, and its sessions are over"));
            Ok(())
        }
    }
}

async fn list(owner: &str, context: &Context) -> Result<()> {
    let tokens = context.api.get(&["users", owner, "tokens"], &()).await?;
    if context.json() {
        return output::print_json(&tokens);
    }
    let rows: Vec<_> = tokens.as_array().into_iter().flatten().map(row).collect();
    if rows.is_empty() {
        output::say("there are no tokens; make one with `hoop account tokens create NAME`");
        return Ok(());
    }
    Ok(output::print(&output::table(HEADING, rows))?)
}

async fn create(owner: &str, body: &Value, context: &Context) -> Result<()> {
    let made = context.api.post(&["users", owner, "tokens"], body).await?;
    if context.json() {
        return output::print_json(&made);
    }
    output::print(&field(&made, "token"))?;
    let until = match field(&made, "expires_at") {
        end if end.is_empty() => "until it is revoked".to_owned(),
        end => format!("until {end}"),
    };
    let id = field(&made, "id");
    output::say(&format!("token {id} works {until}; it can't be shown again"));
    Ok(())
}

fn row(token: &Value) -> [String; 4] {
    ["id", "name", "created_at", "expires_at"].map(|name| field(token, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_works_for_ever_has_no_end() {
        let token = json!({"id": "1", "name": "laptop", "created_at": "now", "expires_at": null});
        assert_eq!(row(&token), ["1", "laptop", "now", ""]);
    }
}
