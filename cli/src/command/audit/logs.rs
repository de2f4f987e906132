//! `hoop audit logs`.

use anyhow::Result;
use futures_util::TryStreamExt;
use serde_json::Value;

use crate::{
    args::{AuditLogs, moment},
    context::Context,
    output::{self, field},
};

const HEADING: [&str; 7] = ["TIME", "ACTOR", "ACTION", "RESOURCE", "PATH", "STATUS", "FROM"];

pub(crate) async fn run(wanted: &AuditLogs, context: &Context) -> Result<()> {
    if wanted.all {
        return all(wanted, context).await;
    }
    let page = context.api.get(&["audit", "logs"], &query(wanted)).await?;
    if context.json() {
        return output::print_json(&page);
    }
    Ok(output::page(HEADING, &page, row, "no line matches")?)
}

/// Every line that matches, as it comes.
async fn all(wanted: &AuditLogs, context: &Context) -> Result<()> {
    let mut query = query(wanted);
    query.retain(|(name, _)| *name != "limit");
    query.push(("format", "jsonl".to_owned()));
    let mut pieces = context.api.stream(&["audit", "logs"], &query).await?.bytes_stream();
    while let Some(piece) = pieces.try_next().await? {
        output::write(&piece)?;
    }
    Ok(())
}

fn query(wanted: &AuditLogs) -> Vec<(&'static str, String)> {
    let AuditLogs { actor, resource, action, outcome, from, to, page, .. } = wanted;
    let (from, to) = (from.map(moment::rfc3339), to.map(moment::rfc3339));
    page.query([
        ("actor", actor.as_deref()),
        ("resource", resource.as_deref()),
        ("action", action.as_deref()),
        ("outcome", outcome.as_deref()),
        ("from", from.as_deref()),
        ("to", to.as_deref()),
    ])
}

/// Who has no address is shown by the name that they gave, if they gave one.
fn row(line: &Value) -> [String; 7] {
    let [time, email, subject, action, resource, path, status, client] = [
        "created_at",
        "actor_email",
        "actor_subject",
        "action",
        "resource_type",
        "http_path",
        "http_status",
        "client_ip",
    ]
    .map(|name| field(line, name));
    let actor = if email.is_empty() { subject } else { email };
    [time, actor, action, resource, path, status, client]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn who_has_no_address_is_shown_by_the_name_that_they_gave() {
        let actor = |line| {
            let [_, actor, ..] = row(&line);
            actor
        };
        let known = json!({ "actor_subject": "c-4711", "actor_email": "ann@example.com" });
        assert_eq!(actor(known), "ann@example.com");
        assert_eq!(actor(json!({ "actor_subject": "c-4711", "actor_email": "" })), "c-4711");
        assert_eq!(actor(json!({ "actor_subject": "", "actor_email": "" })), "");
    }
}
