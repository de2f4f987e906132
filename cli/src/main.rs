//! The `hoop` command.
//!
//! Data goes to stdout and everything said about it to stderr, so that output can be piped
//! and stored. Exit codes: 0 done, 1 failed, 2 not understood; of `exec` and of terminals,
//! the remote command's.

mod api;
mod args;
mod command;
mod context;
mod output;
mod prompt;
mod settings;
mod spinner;
mod stdio;
mod terminal;

use std::process::ExitCode;

use hoop_runtime::{
    Env,
    config::{self, VARIABLES},
    process, trace,
};

fn main() -> ExitCode {
    let args = args::Args::typed();
    match run(args) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            output::complain(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(args: args::Args) -> anyhow::Result<u8> {
    let env = environment()?;
    // Dropped last, and sends what is left.
    let _traces = trace::init(&env, "hoop")?;
    process::install_crypto();
    // One thread: a command waits far more than it works.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(command::run(args, &env));
    // Somebody may still be expected to type; nobody waits for that.
    runtime.shutdown_background();
    done
}

/// The variables that this command reads, and whatever else begins with `HOOP_`: a person's
/// shell is full of other programs' names, which only a server has a reason to question.
fn environment() -> Result<Env, config::Error> {
    let ours = |name: &str| {
        let known = VARIABLES.iter().find(|variable| variable.name == name);
        name.starts_with("HOOP_")
            || known.is_some_and(|variable| variable.processes.contains(&"cli"))
    };
    let pairs = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    Env::from_pairs(pairs.filter(|(name, _)| ours(name)))
}
