//! `hoop review …`: looks at requests for access, and decides.

mod decide;
mod list;
mod show;

use anyhow::Result;

use crate::{args::Review, context::Context};

pub(crate) use list::run as list;

pub(crate) async fn run(command: Review, context: &Context) -> Result<()> {
    match command {
        Review::List(filter) => list(&filter, context).await,
        Review::Get { id } => show::run(&id, context).await,
        Review::Approve(approve) => decide::approve(&approve, context).await,
        Review::Reject { id, reason } => decide::stop(&id, "REJECTED", &reason, context).await,
        Review::Revoke { id, reason } => decide::stop(&id, "REVOKED", &reason, context).await,
    }
}
