//! `hoop admin get credentials`.

use anyhow::Result;
use serde_json::Value;

use crate::{
    args::GetCredentials,
    context::Context,
    output::{self, field},
};

const HEADING: [&str; 7] = ["ID", "CONNECTION", "USER", "USERNAME", "STATUS", "CREATED", "EXPIRES"];

pub(crate) async fn run(wanted: &GetCredentials, context: &Context) -> Result<()> {
    let page = context.api.get(&["credentials"], &query(wanted)).await?;
    if context.json() {
        return output::print_json(&page);
    }
    Ok(output::page(HEADING, &page, row, "no credential matches")?)
}

fn query(wanted: &GetCredentials) -> Vec<(&'static str, String)> {
    let GetCredentials { connection, user, all, limit, cursor } = wanted;
    let status = (!all).then(|| "active".to_owned());
    let given =
        [("connection", connection), ("user", user), ("status", &status), ("cursor", cursor)];
    let mut query = vec![("limit", limit.to_string())];
    query.extend(given.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))));
    query
}

fn row(credential: &Value) -> [String; 7] {
    let status = field(credential, "status").to_uppercase();
    let [id, connection, user, username, created, expires] =
        ["id", "connection", "user", "username", "created_at", "expires_at"]
            .map(|name| field(credential, name));
    [id, connection, user, username, status, created, expires]
}
