//! `hoop runbooks …`: commands that somebody wrote, with places to fill in.

mod list;
mod run;

use anyhow::Result;

use crate::{args::Runbooks, context::Context};

/// Does what was typed; the exit code.
pub(crate) async fn run(command: Runbooks, context: Result<Context>) -> Result<u8> {
    match command {
        Runbooks::List { connection } => list::run(&connection, &context?).await.map(|()| 0),
        Runbooks::Run(wanted) => Ok(run::run(&wanted, context).await),
    }
}
