//! `hoop sessions tail ID`: follows a running session, from its beginning.

mod events;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use tokio::signal::ctrl_c;

use super::{packet::Packet, render::Renderer};
use crate::{
    context::Context,
    output::{self, field},
    terminal,
};
use events::Events;

pub(crate) async fn run(id: &str, context: &Context) -> Result<()> {
    let session = context.api.get(&["sessions", id], &()).await?;
    let (kind, verb) = (field(&session, "connection_subtype"), field(&session, "verb"));
    let mut renderer = Renderer::new(&kind, &verb);
    let followed = tokio::select! {
        followed = follow(id, &mut renderer, context) => followed,
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

/// Shows what comes until the end, and what the gateway says of that.
async fn follow(id: &str, renderer: &mut Renderer, context: &Context) -> Result<Option<Value>> {
    let mut response = context.api.stream(&["sessions", id, "tail"], &()).await?;
    let mut events = Events::default();
    while let Some(piece) = response.chunk().await.context("the gateway was lost")? {
        events.feed(&piece)?;
        while let Some((name, data)) = events.next() {
            let value: Value = serde_json::from_str(&data).unwrap_or_default();
            match name.as_str() {
                "packet" if context.json() => output::print(&value.to_string())?,
                "packet" => renderer.show(&Packet::read(&value)?)?,
                "end" => return Ok(Some(value)),
                "error" => bail!("{}", field(&value, "message")),
                // Something that a newer gateway says besides.
                _ => {}
            }
        }
    }
    bail!("the gateway was lost before the session's end; run the command again")
}
