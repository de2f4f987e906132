//! The `hoop` command.
//!
//! Data goes to stdout and everything said about it to stderr, so that output can be piped
//! and stored. Exit codes: 0 done, 1 failed, 2 not understood.

mod api;
mod args;
mod command;
mod context;
mod output;
mod prompt;
mod settings;

use std::process::ExitCode;

use clap::Parser;
use hoop_runtime::{Env, process};

fn main() -> ExitCode {
    let args = args::Args::parse();
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(args: args::Args) -> anyhow::Result<()> {
    let env = Env::from_process()?;
    process::install_crypto();
    // One thread: a command waits far more than it works.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(command::run(args, &env))
}
