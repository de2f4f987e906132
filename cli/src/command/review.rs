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
        Review::Reject(stop) => decide::stop(&stop, "REJECTED", context).await,
        Review::Revoke(stop) => decide::stop(&stop, "REVOKED", context).await,
    }
}
