//! One file per command.

mod admin;
mod connect;
mod login;
mod sessions;

use anyhow::Result;
use hoop_runtime::Env;

use crate::{
    args::{Args, Command},
    context::Context,
    output,
};

/// Does what was typed.
pub(crate) async fn run(args: Args, env: &Env) -> Result<()> {
    let context = || Context::new(env, args.output);
    match args.command {
        Command::Version => {
            output::print(concat!("hoop ", env!("CARGO_PKG_VERSION")))?;
            Ok(())
        }
        Command::Login(login) => login::run(login, env).await,
        Command::Connect(connect) => connect::run(connect, &context()?).await,
        Command::Sessions(command) => sessions::run(command, &context()?).await,
        Command::Admin(command) => admin::run(command, &context()?).await,
    }
}
