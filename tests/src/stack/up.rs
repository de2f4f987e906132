//! The whole gateway, kept running for a person to try.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};

use super::{
    demo::cast,
    terminal::{heading, quote, say},
};
use crate::{
    Access, Gateway, Options,
    gateway::{ADMIN, AGENT, CONNECTION},
};

pub(super) async fn run(home: Option<PathBuf>, logs: PathBuf) -> Result<()> {
    heading("starting PostgreSQL, NATS and the gateway's processes");
    let kept = home.clone();
    let options =
        Options { home, logs: Some(logs.clone()), usual_ports: true, ..Options::default() };
    let mut gateway = match &kept {
        None => Gateway::start(options).await?,
        Some(folder) => again(options, folder).await?,
    };
    cast(&gateway);
    let access = gateway.access(gateway.edges.len().saturating_sub(1)).await?;
    tell(&gateway, &access, &logs);
    if let Some(folder) = &kept {
        say(&format!("    the state is kept in {}", folder.display()));
    }
    wait_for_the_person().await?;
    heading("stopping everything");
    gateway.stop()?;
    drop(gateway);
    say("    nothing is left running");
    Ok(())
}

/// With state from an earlier run there is an agent already, and its key is shown only once.
async fn again(options: Options, folder: &Path) -> Result<Gateway> {
    let path = folder.join("agent.key");
    let edge = options.agent_calls;
    let mut gateway = Gateway::start_without_agent(options).await?;
    if let Ok(key) = std::fs::read_to_string(&path) {
        gateway.agent_launch(AGENT, key.trim(), edge)?;
        gateway.agent_connected(AGENT).await?;
        gateway.rest.delete(&format!("/api/connections/{CONNECTION}")).await?;
    } else {
        let key = gateway.rest.agent_create(AGENT).await?;
        std::fs::write(&path, &key).with_context(|| format!("write {}", path.display()))?;
        gateway.agent_launch(AGENT, &key, edge)?;
        gateway.agent_connected(AGENT).await?;
    }
    // The target's port is another one in every run.
    gateway.connection_to_target(CONNECTION).await?;
    Ok(gateway)
}

fn tell(gateway: &Gateway, access: &Access, logs: &Path) {
    let Gateway { api_url, keys, .. } = gateway;
    let Access { host, port, username, password, database } = access;
    heading("to try");
    quote(&format!("login      {ADMIN}   password {}", keys.admin_password));
    quote(&format!("API        {api_url}/api/healthz   and {api_url}/api/openapi.json"));
    quote(&format!("logs       {}", logs.display()));
    say("");
    quote("a session, for the next hour:");
    quote(&format!(
        "  PGPASSWORD={password} psql -h {host} -p {port} -U {username} {database} -c 'table customers'"
    ));
    say("");
    quote("what was recorded:");
    quote(&format!(
        "  TOKEN=$(curl -s {api_url}/api/login -H 'content-type: application/json' \\\n    -d '{{\"email\":\"{ADMIN}\",\"password\":\"{}\"}}' | sed 's/.*\"token\":\"\\([^\"]*\\)\".*/\\1/')",
        keys.admin_password
    ));
    quote(&format!("  curl -s -H \"authorization: Bearer $TOKEN\" {api_url}/api/sessions"));
    say("");
    quote("Ctrl-C stops everything");
}

async fn wait_for_the_person() -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed.context("wait for Ctrl-C"),
        _ = terminate.recv() => Ok(()),
    }
}
