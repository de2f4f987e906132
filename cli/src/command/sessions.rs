//! `hoop sessions …`: looks at sessions.

mod list;
mod show;

use anyhow::Result;

use crate::{args::Sessions, context::Context};

pub(crate) async fn run(command: Sessions, context: &Context) -> Result<()> {
    match command {
        Sessions::List(filter) => list::run(&filter, context).await,
        Sessions::Get { id } => show::run(&id, context).await,
    }
}
