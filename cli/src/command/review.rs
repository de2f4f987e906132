//! `hoop review …`: looks at requests for access, and decides.

mod decide;
mod list;
mod show;

use anyhow::Result;
use serde_json::Value;

use crate::{args::Review, context::Context, output::field};

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

/// The hours of the day in which an approval holds, unless it holds in all.
pub(super) fn hours(review: &Value) -> Option<String> {
    let window = review.get("time_window")?.get("configuration")?;
    Some(format!("{} to {} UTC", field(window, "start_time"), field(window, "end_time")))
}
