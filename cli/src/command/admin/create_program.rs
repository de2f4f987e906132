//! `hoop admin create api-key|serviceaccount`: stdout gets the key.

use anyhow::Result;
use serde_json::{Map, Value, json};

use super::existing;
use crate::{
    args::{CreateApiKey, CreateServiceAccount},
    context::Context,
    output::{self, field},
};

pub(crate) async fn api_key(wanted: CreateApiKey, context: &Context) -> Result<()> {
    let path = ["api-keys", wanted.name.as_str()];
    if wanted.overwrite && existing(&path, context).await?.is_some() {
        return change(&wanted, &path, context).await;
    }
    let body = json!({
        "name": wanted.name,
        "groups": wanted.groups,
        "expires_in_seconds": wanted.expires_in.map(|time| time.as_secs()),
        "service_account": wanted.service_account,
    });
    let made = context.api.post(&["api-keys"], &body).await?;
    if context.json() {
        return output::print_json(&made);
    }
    output::print(&field(&made, "key"))?;
    output::say(&format!("{}; it can't be shown again", works(&made)));
    Ok(())
}

/// The API leaves alone what it is not told.
async fn change(wanted: &CreateApiKey, path: &[&str], context: &Context) -> Result<()> {
    let mut body = Map::new();
    if !wanted.groups.is_empty() {
        body.insert("groups".into(), json!(wanted.groups));
    }
    if let Some(time) = wanted.expires_in {
        body.insert("expires_in_seconds".into(), json!(time.as_secs()));
    }
    let changed = context.api.put(path, &body).await?;
    if context.json() {
        return output::print_json(&changed);
    }
    output::say(&match field(&changed, "status").as_str() {
        "revoked" => {
            let name = field(&changed, "name");
            format!("API key {name} is revoked; `hoop admin reactivate api-key {name}` undoes that")
        }
        _ => works(&changed),
    });
    Ok(())
}

fn works(key: &Value) -> String {
    let until = match field(key, "expires_at") {
        end if end.is_empty() => "until it is revoked".to_owned(),
        end => format!("until {end}"),
    };
    format!("API key {} works {until}", field(key, "name"))
}

pub(crate) async fn service_account(wanted: CreateServiceAccount, context: &Context) -> Result<()> {
    let path = ["serviceaccounts", wanted.subject.as_str()];
    let exists = wanted.overwrite && existing(&path, context).await?.is_some();
    let body = body(&wanted, exists);
    let account = if exists {
        context.api.put(&path, &body).await?
    } else {
        context.api.post(&["serviceaccounts"], &body).await?
    };
    if context.json() {
        return output::print_json(&account);
    }
    let (subject, status) = (field(&account, "subject"), field(&account, "status"));
    output::say(&format!("service account {subject} is {status}"));
    Ok(())
}

/// What is given, and for a new account who it is. The API leaves alone what it is not told, and
/// knows the rest of what a new account has.
fn body(wanted: &CreateServiceAccount, exists: bool) -> Map<String, Value> {
    let mut body = Map::new();
    if !exists {
        body.insert("subject".into(), json!(wanted.subject));
        body.insert("name".into(), json!(wanted.subject));
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
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted() -> CreateServiceAccount {
        CreateServiceAccount {
            subject: "robot".into(),
            name: None,
            groups: Vec::new(),
            inactive: false,
            active: false,
            overwrite: true,
        }
    }

    #[test]
    fn a_change_says_only_what_is_given_so_that_others_changes_stay() {
        let groups = || vec!["deployers".to_owned()];
        for (wanted, exists, expected) in [
            (wanted(), true, json!({})),
            (wanted(), false, json!({ "subject": "robot", "name": "robot" })),
            (
                CreateServiceAccount { active: true, ..wanted() },
                true,
                json!({ "status": "active" }),
            ),
            (
                CreateServiceAccount { name: Some("Robot".into()), ..wanted() },
                false,
                json!({ "subject": "robot", "name": "Robot" }),
            ),
            (
                CreateServiceAccount { groups: groups(), inactive: true, ..wanted() },
                true,
                json!({ "groups": ["deployers"], "status": "inactive" }),
            ),
        ] {
            assert_eq!(Value::Object(body(&wanted, exists)), expected);
        }
    }
}
