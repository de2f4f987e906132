//! `hoop admin get credentials`.

use anyhow::Result;
use serde_json::Value;

use crate::{
    args::GetCredentials,
    context::Context,
    output::{self, field},
};

const HEADING: [&str; 7] = ["ID", "CONNECTION", "USER", "USERNAME", "STATUS", "CREATED", "EXPIRES"];

pub(super) async fn run(wanted: &GetCredentials, context: &Context) -> Result<()> {
    let page = context.api.get(&["credentials"], &query(wanted)).await?;
    if context.json() {
        return output::print_json(&page);
    }
    Ok(output::page(HEADING, &page, row, "no credential matches")?)
}

fn query(wanted: &GetCredentials) -> Vec<(&'static str, String)> {
    let GetCredentials { connection, user, all, page } = wanted;
    page.query([
        ("connection", connection.as_deref()),
        ("user", user.as_deref()),
        ("status", (!all).then_some("active")),
    ])
}

fn row(credential: &Value) -> [String; 7] {
    let status = field(credential, "status").to_uppercase();
    let [id, connection, user, username, created, expires] =
        ["id", "connection", "user", "username", "created_at", "expires_at"]
            .map(|name| field(credential, name));
    [id, connection, user, username, status, created, expires]
}
