//! What demo and tests need, and this machine does not have yet. Finding it all there takes milliseconds.

mod clients;
mod debian;
mod nats;
mod pip;
mod s3;
mod smtp;

use std::{env, path::PathBuf};

use anyhow::{Context, Result};

/// Installs what is missing.
pub(crate) fn run(_arguments: &[String]) -> Result<()> {
    servers()?;
    debian::mariadb()?;
    debian::nginx()?;
    clients::node()?;
    clients::python()?;
    clients::schemathesis()?;
    s3::install()?;
    smtp::install()
}

/// What the gateway itself needs to run: PostgreSQL and the broker.
pub(crate) fn servers() -> Result<()> {
    debian::postgres()?;
    nats::install()
}

/// The folder of tools, outside the clone so that all clones share it. `hoop-testkit` looks here.
pub(crate) fn tools() -> Result<PathBuf> {
    if let Some(folder) = env::var_os("HOOP_TOOLS") {
        return Ok(folder.into());
    }
    Ok(cache()?.join("tools"))
}

fn cache() -> Result<PathBuf> {
    if let Some(folder) = env::var_os("HOOP_CACHE") {
        return Ok(folder.into());
    }
    if let Some(folder) = env::var_os("XDG_CACHE_HOME") {
        return Ok(PathBuf::from(folder).join("hoop"));
    }
    let home = env::var_os("HOME").context("neither HOOP_CACHE nor HOME is set")?;
    Ok(PathBuf::from(home).join(".cache").join("hoop"))
}
