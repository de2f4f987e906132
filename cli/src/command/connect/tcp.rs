//! A local port whose connections are channels of one session.

use std::time::Duration;

use anyhow::{Result, bail};
use hoop_domain::ConnectionName;
use serde_json::json;

use super::{banner, listen, ready, relay};
use crate::{command::open, context::Context, output};

pub(super) async fn run(
    name: &ConnectionName,
    port: u16,
    duration: Option<Duration>,
    context: &Context,
) -> Result<()> {
    let listener = listen(port).await?;
    let session = open::connect(context, name, duration).await?;
    // It may have been changed in between.
    if session.connection_type != "tcp" {
        bail!("{name} is a {:?} connection now; try again", session.connection_type);
    }
    let local = listener.local_addr()?;
    let (host, port) = (local.ip().to_string(), local.port());
    output::say(&format!("connection: {} | session: {}", session.connection, session.id));
    banner("tcp-connection", &format!("host={host} port={port}"));
    if context.json() {
        ready(&json!({"session": session.id.to_string(), "host": host, "port": port}))?;
    }
    relay::run(session.pipe, listener).await
}
