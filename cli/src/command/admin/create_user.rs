//! `hoop admin create user EMAIL`.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::existing;
use crate::{
    args::CreateUser,
    context::Context,
    output::{self, field},
    prompt,
};

pub(crate) async fn run(wanted: CreateUser, context: &Context) -> Result<()> {
    let path = ["users", wanted.email.as_str()];
    let known = if wanted.overwrite { existing(&path, context).await? } else { None };
    let body = body(&wanted, known.as_ref())?;
    let user = match known {
        Some(_) => context.api.put(&path, &body).await?,
        None => context.api.post(&["users"], &body).await?,
    };
    if context.json() {
        return output::print_json(&user);
    }
    let (email, role) = (field(&user, "email"), field(&user, "role"));
    output::say(&format!("user {email} is {} ({role})", field(&user, "status")));
    Ok(())
}

/// What is not given stays as it is known.
fn body(wanted: &CreateUser, known: Option<&Value>) -> Result<Value> {
    let before = |name: &str| known.and_then(|user| user.get(name)).cloned();
    let name = wanted.name.clone().map(Value::from).or_else(|| before("name"));
    let groups = match wanted.groups.as_slice() {
        [] => before("groups"),
        groups => Some(json!(groups)),
    };
    let status = match (wanted.active, wanted.inactive) {
        (true, _) => None,
        (false, true) => Some(json!("inactive")),
        (false, false) => before("status"),
    };
    let mut body = json!({
        "email": wanted.email,
        "name": name.unwrap_or_else(|| "".into()),
        "groups": groups.unwrap_or_else(|| json!([])),
        "status": status.unwrap_or_else(|| "active".into()),
    });
    if wanted.password_stdin {
        let password = prompt::password(&format!("password for {}", wanted.email))?;
        ensure!(!password.reveal().is_empty(), "no password was given");
        if let Some(fields) = body.as_object_mut() {
            fields.insert("password".into(), json!(password.reveal()));
        }
    }
    Ok(body)
}
