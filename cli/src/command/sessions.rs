//! `hoop sessions …`: looks at sessions, replays, follows and ends them.

mod download;
mod kill;
mod list;
mod packet;
mod render;
mod replay;
mod show;
mod statements;
mod tail;

use anyhow::Result;

use crate::{args::Sessions, context::Context};

pub(crate) use list::run as list;
pub(crate) use show::run as show;

pub(crate) async fn run(command: Sessions, context: &Context) -> Result<()> {
    match command {
        Sessions::List(filter) => list(&filter, context).await,
        Sessions::Get { id } => show(&id, context).await,
        Sessions::Replay(replay) => replay::run(&replay, context).await,
        Sessions::Tail { id } => tail::run(&id, context).await,
        Sessions::Download(download) => download::run(&download, context).await,
        Sessions::Kill { id, reason } => kill::run(&id, reason.as_deref(), context).await,
    }
}
