//! `hoop start gateway`: starts it, says how to use it, and keeps it running.

use std::path::PathBuf;

use anyhow::{Context, Result};
use hoop_runtime::Env;
use hoop_supervisor::{Gateway, Options, Ports, Signals, Summary};

use super::summary;
use crate::{args::Format, output, settings::Settings};

/// Runs a gateway until a signal ends it.
pub(super) async fn run(asked: super::Gateway, format: Format) -> Result<()> {
    // A gateway reads everything, so a misspelt name stops it as it stops each process.
    let env = Env::from_process()?;
    let options = Options {
        data: asked.data,
        host: asked.host,
        ports: Ports { api: asked.api_port, grpc: asked.grpc_port, pg: asked.pg_port },
        program: std::env::current_exe().context("find out where this program is")?,
        guard: vec!["start".into(), "guard".into()],
    };
    let signals = Signals::listen().context("listen for signals")?;
    let (gateway, ready) = Gateway::start(&options, &env, &signals).await?;
    let signed_in = sign_in(&ready).unwrap_or_else(|error| {
        output::say(&format!("hoop: this user is not signed in: {error:#}"));
        None
    });
    let told = summary::print(&ready, signed_in.as_deref(), format);
    // What nobody was told is told again at the next start.
    if let Err(error) = told.and_then(|()| Ok(gateway.welcomed()?)) {
        output::say(&format!("hoop: {error:#}"));
    }
    Ok(gateway.run().await?)
}

/// Signs in the person who starts a gateway for the first time, unless they have settings;
/// the file that says so.
fn sign_in(ready: &Summary) -> Result<Option<PathBuf>> {
    let Some(first) = &ready.first_run else { return Ok(None) };
    let path = Settings::path()?;
    if path.exists() {
        return Ok(None);
    }
    let grpc_url = Some(ready.grpc_url.clone());
    let mut settings = Settings::default().at(ready.api_url.clone(), grpc_url);
    settings.token = first.token.as_ref().map(|token| token.reveal().clone());
    settings.store(&path)?;
    output::say(&format!("hoop: wrote {}, where this user's hoop command looks", path.display()));
    Ok(Some(path))
}
