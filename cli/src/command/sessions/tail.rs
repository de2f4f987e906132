//! `hoop sessions tail ID`: follows a running session, from its beginning.

mod events;
mod follow;

use anyhow::Result;
use tokio::signal::ctrl_c;

use super::render::Renderer;
use crate::{
    context::Context,
    output::{self, field},
    terminal,
};
use follow::Follower;

pub(crate) async fn run(id: &str, context: &Context) -> Result<()> {
    let session = context.api.get(&["sessions", id], &()).await?;
    let (kind, verb) = (field(&session, "connection_subtype"), field(&session, "verb"));
    let mut renderer = Renderer::new(&kind, &verb);
    let followed = tokio::select! {
        followed = Follower::new(id, context, &mut renderer).run() => followed.map(Some),
        _ = ctrl_c() => Ok(None),
    };
    if renderer.has_terminal() && terminal::is_interactive() {
        terminal::reset();
    }
    let end = match followed {
        Err(error) if output::is_broken_pipe(&error) => return Ok(()),
        followed => followed?,
    };
    if let Some(end) = end {
        renderer.finish()?;
        let reason = [field(&end, "reason"), field(&end, "end_reason"), field(&end, "message")];
        let reason = reason.into_iter().find(|text| !text.is_empty()).unwrap_or_default();
        output::say(&format!("\nthe session is over: {reason}"));
    }
    Ok(())
}
