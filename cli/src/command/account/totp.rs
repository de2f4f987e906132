//! `hoop account totp …`: the second factor.

use anyhow::{Result, ensure};
use hoop_domain::Secret;
use serde_json::{Value, json};

use super::owner;
use crate::{
    args::{Totp, Whose},
    context::Context,
    output::{self, field, is},
    prompt,
};

pub(super) async fn run(command: Totp, context: &Context) -> Result<()> {
    let own = Whose { user: None };
    match command {
        Totp::Show(whose) => show(&owner(&whose, context).await?, context).await,
        Totp::Enable => enable(&owner(&own, context).await?, context).await,
        Totp::Disable => disable(&owner(&own, context).await?, context).await,
        Totp::Reset { user } => {
            let done = context.api.delete(&["users", &user, "totp"]).await;
            done.map_err(|error| error.listed_by("hoop admin get users"))?;
            output::say(&format!("{user} signs in without a second factor from now on"));
            Ok(())
        }
    }
}

async fn show(owner: &str, context: &Context) -> Result<()> {
    let state = context.api.get(&["users", owner, "totp"], &()).await?;
    if context.json() {
        return output::print_json(&state);
    }
    Ok(output::print(&sentence(&state))?)
}

fn sentence(state: &Value) -> String {
    if is(state, "enabled") {
        let left = field(state, "recovery_codes");
        format!("login asks for a code; recovery codes that are left: {left}")
    } else {
        "login asks for no code; `hoop account totp enable` changes that".to_owned()
    }
}

async fn enable(owner: &str, context: &Context) -> Result<()> {
    let password = asked("your password")?;
    let body = json!({"password": password.reveal()});
    let made = context.api.post(&["users", owner, "totp"], &body).await?;
    if context.json() {
        output::print_json(&made)?;
    } else {
        let (secret, uri) = (field(&made, "secret"), field(&made, "uri"));
        output::print(&format!("secret   {secret}\naddress  {uri}"))?;
    }
    output::say("put one of them into your authenticator; it counts once its code is right");
    let code = asked("code of your authenticator")?;
    let path = ["users", owner, "totp", "confirm"];
    let confirmed = context.api.post(&path, &json!({"code": code.reveal()})).await?;
    if context.json() {
        return output::print_json(&confirmed);
    }
    output::print(&recovery(&confirmed))?;
    output::say("each of these works once instead of a code; they can't be shown again");
    Ok(())
}

fn recovery(confirmed: &Value) -> String {
    let codes = confirmed.get("recovery_codes").and_then(Value::as_array).into_iter().flatten();
    let codes = codes.filter_map(Value::as_str).map(output::printable);
    codes.map(|code| format!("recovery {code}")).collect::<Vec<_>>().join("\n")
}

async fn disable(owner: &str, context: &Context) -> Result<()> {
    let code = asked("code of your authenticator, or a recovery code")?;
    let path = ["users", owner, "totp", "disable"];
    context.api.post(&path, &json!({"code": code.reveal()})).await?;
    output::say("login asks for no code any more");
    Ok(())
}

fn asked(what: &str) -> Result<Secret<String>> {
    let answer = prompt::password(what)?;
    ensure!(!answer.reveal().is_empty(), "nothing was given");
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_whether_there_is_one_and_what_is_left_of_it() {
        let state = json!({"enabled": true, "recovery_codes": 9});
        assert!(sentence(&state).ends_with("left: 9"));
        let none = json!({"enabled": false, "recovery_codes": 0});
        assert!(sentence(&none).contains("`hoop account totp enable`"));
        let confirmed = json!({"recovery_codes": ["a", "b"]});
        assert_eq!(recovery(&confirmed), "recovery a\nrecovery b");
    }
}
