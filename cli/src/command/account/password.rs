//! `hoop account password`.

use anyhow::{Result, ensure};
use serde_json::{Map, json};

use super::owner;
use crate::{args::Whose, context::Context, output, prompt};

pub(super) async fn run(whose: &Whose, context: &Context) -> Result<()> {
    // Before anything is typed: who is not signed in wastes no typing.
    let owner = owner(whose, context).await?;
    let mut body = Map::new();
    if whose.user.is_none() {
        let old = prompt::password("your password")?;
        ensure!(!old.reveal().is_empty(), "no password was given");
        body.insert("old_password".into(), json!(old.reveal()));
    }
    let new = prompt::new_password()?;
    ensure!(!new.reveal().is_empty(), "no new password was given");
    body.insert("new_password".into(), json!(new.reveal()));
    context.api.put(&["users", &owner, "password"], &body).await?;
    output::say("the password is changed; everything else that was signed in with it is not");
    Ok(())
}
