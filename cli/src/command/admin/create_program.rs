//! `hoop admin create api-key|serviceaccount`: stdout gets the key.

use anyhow::Result;
use serde_json::{Value, json};

use crate::{
    api::Error,
    args::{CreateApiKey, CreateServiceAccount},
    context::Context,
    output::{self, field},
};

pub(crate) async fn api_key(wanted: CreateApiKey, context: &Context) -> Result<()> {
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
    let name = field(&made, "name");
    let until = match field(&made, "expires_at") {
        end if end.is_empty() => "until it is revoked".to_owned(),
        end => format!("until {end}"),
    };
    output::say(&format!("API key {name} works {until}; it can't be shown again"));
    Ok(())
}

pub(crate) async fn service_account(wanted: CreateServiceAccount, context: &Context) -> Result<()> {
    let known = if wanted.overwrite { existing(&wanted.subject, context).await? } else { None };
    let body = body(&wanted, known.as_ref());
    let account = match known {
        Some(_) => context.api.put(&["serviceaccounts", &wanted.subject], &body).await?,
        None => context.api.post(&["serviceaccounts"], &body).await?,
    };
    if context.json() {
        return output::print_json(&account);
    }
    let (subject, status) = (field(&account, "subject"), field(&account, "status"));
    output::say(&format!("service account {subject} is {status}"));
    Ok(())
}

async fn existing(subject: &str, context: &Context) -> Result<Option<Value>> {
    match context.api.get(&["serviceaccounts", subject], &()).await {
        Ok(account) => Ok(Some(account)),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
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
