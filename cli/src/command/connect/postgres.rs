//! A local port that leads to the gateway's native one, and a credential that works there
//! until this ends.

use std::time::Duration;

use anyhow::{Context as _, Result};
use hoop_domain::ConnectionName;
use serde_json::{Value, json};

use super::{POSTGRES_PORT, banner, forward, listen, ready};
use crate::{
    args::Connect,
    command::open::held,
    context::Context,
    output::{self, field},
};

/// How long a credential works when nobody says otherwise.
const DURATION: Duration = Duration::from_secs(8 * 3600);

pub(super) async fn run(
    name: &ConnectionName,
    connect: &Connect,
    reviewed: bool,
    context: &Context,
) -> Result<()> {
    let listener = listen(connect.port.unwrap_or(POSTGRES_PORT)).await?;
    // Where somebody approves it, the connection has a usual time of its own.
    let duration = connect.duration.or_else(|| (!reviewed).then_some(DURATION));
    let body = match duration {
        Some(duration) => json!({"access_duration_seconds": duration.as_secs()}),
        None => json!({}),
    };
    let path = ["connections", name.as_str(), "credentials"];
    let credential = held::credential(context, name, &body).await?;
    let native = field(&credential, "port");
    let native: u16 = native.parse().context("the gateway's answer has no native port")?;
    let target = (field(&credential, "host"), native);
    let port = listener.local_addr()?.port();
    announce(&credential, port, context)?;
    let relayed = forward::run(listener, target).await;
    // Whatever happened: what was printed on a terminal should not work any longer.
    let id = field(&credential, "id");
    let revoked = context.api.post(&[&path[..], &[&id, "revoke"]].concat(), &json!({})).await;
    relayed?;
    revoked.context("the credential was not revoked; it works until its time is over")?;
    output::say("the credential is revoked, and its sessions are over");
    Ok(())
}

/// Says how to log in: the string for programs and for copying on stdout, all else on stderr.
fn announce(credential: &Value, port: u16, context: &Context) -> Result<()> {
    let [user, password, database, expires] =
        ["username", "password", "database", "expires_at"].map(|name| field(credential, name));
    // None of the parts needs escaping: each has a small alphabet by construction.
    let uri = format!("postgres://{user}:{password}@127.0.0.1:{port}/{database}?sslmode=require");
    output::say(&format!("connection: {database} | credential until {expires}"));
    banner(
        "postgres-credentials",
        &format!("host=127.0.0.1 port={port} user={user} password={password} dbname={database}"),
    );
    if context.json() {
        ready(&json!({
            "host": "127.0.0.1", "port": port, "user": user, "password": password,
            "database": database, "connection_string": uri, "expires_at": expires,
        }))?;
    } else {
        output::print(&uri)?;
    }
    Ok(())
}
