//! `hoop admin create user EMAIL`.

use anyhow::{Result, ensure};
use serde_json::{Map, Value, json};

use super::existing;
use crate::{
    args::CreateUser,
    context::Context,
    output::{self, field},
    prompt,
};

pub(crate) async fn run(wanted: CreateUser, context: &Context) -> Result<()> {
    let path = ["users", wanted.email.as_str()];
    let exists = wanted.overwrite && existing(&path, context).await?.is_some();
    let body = body(&wanted, exists)?;
    let user = if exists {
        context.api.put(&path, &body).await?
    } else {
        context.api.post(&["users"], &body).await?
    };
    if context.json() {
        return output::print_json(&user);
    }
    let (email, role) = (field(&user, "email"), field(&user, "role"));
    output::say(&format!("user {email} is {} ({role})", field(&user, "status")));
    Ok(())
}

/// The address for a new user, and what is given. The API leaves alone what it is not told, and
/// knows what a new user has.
fn body(wanted: &CreateUser, exists: bool) -> Result<Map<String, Value>> {
    let mut body = Map::new();
    if !exists {
        body.insert("email".into(), json!(wanted.email));
    }
    if let Some(name) = &wanted.name {
        body.insert("name".into(), json!(name));
    }
    if !wanted.groups.is_empty() {
        body.insert("groups".into(), json!(wanted.groups));
    }
    if wanted.active || wanted.inactive {
        body.insert("status".into(), json!(if wanted.active { "active" } else { "inactive" }));
    }
    if wanted.password_stdin {
        let password = prompt::password(&format!("password for {}", wanted.email))?;
        ensure!(!password.reveal().is_empty(), "no password was given");
        body.insert("password".into(), json!(password.reveal()));
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted() -> CreateUser {
        CreateUser {
            email: "ann@example.com".into(),
            name: None,
            groups: Vec::new(),
            password_stdin: false,
            inactive: false,
            active: false,
            overwrite: true,
        }
    }

    #[test]
    fn a_change_says_only_what_is_given_so_that_others_changes_stay() {
        let groups = || vec!["engineers".to_owned()];
        for (wanted, exists, expected) in [
            (wanted(), true, json!({})),
            (wanted(), false, json!({ "email": "ann@example.com" })),
            (CreateUser { groups: groups(), ..wanted() }, true, json!({ "groups": ["engineers"] })),
            (CreateUser { inactive: true, ..wanted() }, true, json!({ "status": "inactive" })),
            (
                CreateUser { active: true, name: Some("Ann".into()), ..wanted() },
                true,
                json!({ "status": "active", "name": "Ann" }),
            ),
        ] {
            assert_eq!(Value::Object(body(&wanted, exists).unwrap()), expected);
        }
    }
}
