//! `hoop start agent`: this process becomes the agent.

use std::{os::unix::process::CommandExt, process::Command};

use anyhow::{Context, Result};
use hoop_runtime::Env;

/// The agent's program, beside this one or in `PATH`.
const PROGRAM: &str = "hoop-agent";

/// Becomes the agent; returns only when that is not possible.
pub(super) fn run(env: &Env) -> Result<()> {
    env.text("HOOP_KEY").context(
        "HOOP_KEY is not set, and an agent needs its key; make one with \
         `export HOOP_KEY=$(hoop admin create agent NAME)`",
    )?;
    let this = std::env::current_exe().context("find out where this program is")?;
    let program = hoop_supervisor::program(&this, PROGRAM)?;
    // A login of the person who starts it is none of the agent's business.
    let error = Command::new(&program).env_remove("HOOP_TOKEN").env_remove("HOOP_PASSWORD").exec();
    Err(error).with_context(|| format!("start {}", program.display()))
}
