//! One file per command.

mod admin;
mod audit;
mod configure;
mod connect;
mod describe;
mod doctor;
mod documents;
mod exec;
mod list;
mod login;
mod open;
mod review;
mod sessions;
pub(crate) mod start;

use anyhow::Result;
use hoop_runtime::{Env, span};
use serde_json::json;
use tracing::{Instrument, field::Empty};

use crate::{
    args::{Args, Command, Format},
    context::Context,
    output,
};

/// Does what was typed; the exit code.
pub(crate) async fn run(args: Args, env: &Env) -> Result<u8> {
    let context = || Context::new(env, args.output);
    match args.command {
        Command::Version => version(args.output)?,
        Command::Completion { shell } => documents::completion(shell)?,
        Command::Man(man) => documents::man(&man)?,
        Command::Start(start) => start::run(start, args.output, env).await?,
        Command::Config(command) => configure::run(command, args.output)?,
        Command::Login(login) => login::run(login, env).await?,
        Command::Doctor { json } => {
            let format = if json { Format::Json } else { args.output };
            return Box::pin(doctor::run(env, format)).await;
        }
        Command::List => list::run(&context()?).await?,
        Command::Describe { connection } => describe::run(&connection, &context()?).await?,
        Command::Connect(connect) => {
            let span = span!("hoop connect", session = Empty, connection = connect.connection);
            return connect::run(connect, &context()?).instrument(span).await;
        }
        Command::Exec(exec) => {
            let span = span!("hoop exec", session = Empty, connection = exec.connection);
            return Ok(exec::run(exec, context()).instrument(span).await);
        }
        Command::Review(command) => review::run(command, &context()?).await?,
        Command::Sessions(command) => sessions::run(command, &context()?).await?,
        Command::Audit(command) => return audit::run(command, env, args.output).await,
        Command::Admin(command) => admin::run(*command, &context()?).await?,
    }
    Ok(0)
}

fn version(format: Format) -> Result<()> {
    match format {
        Format::Table | Format::Wide => {
            Ok(output::print(concat!("hoop ", env!("CARGO_PKG_VERSION")))?)
        }
        Format::Json => output::print_json(&json!({"version": env!("CARGO_PKG_VERSION")})),
    }
}
