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
    let known = if wanted.overwrite { existing(&path, context).await? } else { None };
    let body = body(&wanted, known.as_ref());
    let account = match known {
        Some(_) => context.api.put(&path, &body).await?,
        None => context.api.post(&["serviceaccounts"], &body).await?,
    };
    if context.json() {
        return output::print_json(&account);
    }
    let (subject, status) = (field(&account, "subject"), field(&account, "status"));
    output::say(&format!("service account {subject} is {status}"));
    Ok(())
}

/// What is not given stays as it is known.
fn body(wanted: &CreateServiceAccount, known: Option<&Value>) -> Value {
    let before = |name: &str| known.and_then(|account| account.get(name)).cloned();
    let name = wanted.name.clone().map(Value::from).or_else(|| before("name"));
    let groups = match wanted.groups.as_slice() {
        [] => before("groups"),
        groups => Some(json!(groups)),
    };
    let status = if wanted.inactive { Some(json!("inactive")) } else { before("status") };
    json!({
        "subject": wanted.subject,
        "name": name.unwrap_or_else(|| wanted.subject.clone().into()),
        "groups": groups.unwrap_or_else(|| json!([])),
        "status": status.unwrap_or_else(|| "active".into()),
    })
}
