//! One file per command.

mod account;
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
mod logout;
mod open;
mod poll;
mod review;
mod runbooks;
mod search;
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
    let format = args.format();
    let context = || Context::new(env, format);
    match args.command {
        Command::Version => version(format)?,
        Command::Completion { shell } => documents::completion(shell)?,
        Command::Man(man) => documents::man(&man)?,
        Command::Start(start) => start::run(start, format, env).await?,
        Command::Config(command) => configure::run(command, format)?,
        Command::Login(login) => login::run(login, env).await?,
        Command::Logout => logout::run(&context()?).await?,
        Command::Account(command) => account::run(command, &context()?).await?,
        Command::Doctor => return Box::pin(doctor::run(env, format)).await,
        Command::List => list::run(&context()?).await?,
        Command::Describe { connection } => describe::run(&connection, &context()?).await?,
        Command::Search(wanted) => search::run(&wanted, &context()?).await?,
        Command::Connect(connect) => {
            let span = span!("hoop connect", session = Empty, connection = connect.connection);
            return connect::run(connect, &context()?).instrument(span).await;
        }
        Command::Exec(exec) => {
            let span = span!("hoop exec", session = Empty, connection = exec.connection);
            return Ok(exec::run(exec, context()).instrument(span).await);
        }
        Command::Runbooks(command) => return runbooks::run(command, context()).await,
        Command::Review(command) => review::run(command, &context()?).await?,
        Command::Sessions(command) => sessions::run(command, &context()?).await?,
        Command::Audit(command) => return audit::run(command, env, format).await,
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
