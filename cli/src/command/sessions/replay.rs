//! `hoop sessions replay ID`: what happened, at the pace at which it did.

mod pace;

use anyhow::Result;
use serde_json::Value;
use tokio::signal::ctrl_c;

use super::{packet::Packet, render::Renderer};
use crate::{
    args,
    context::Context,
    output::{self, field},
    terminal,
};
use pace::Pace;

/// How many packets are asked for at once.
const PAGE: &str = "500";

pub(crate) async fn run(replay: &args::Replay, context: &Context) -> Result<()> {
    let session = context.api.get(&["sessions", &replay.id], &()).await?;
    announce(&session);
    let (kind, verb) = (field(&session, "connection_subtype"), field(&session, "verb"));
    let mut renderer = Renderer::new(&kind, &verb);
    let mut pace = if replay.no_wait || context.json() {
        Pace::none()
    } else {
        Pace::new(replay.speed, replay.max_idle)
    };
    let shown = tokio::select! {
        shown = show(&replay.id, &mut renderer, &mut pace, context) => shown,
        _ = ctrl_c() => Ok(()),
    };
    if renderer.has_terminal() && terminal::is_interactive() {
        terminal::reset();
    }
    match shown {
        Err(error) if output::is_broken_pipe(&error) => return Ok(()),
        shown => shown?,
    }
    renderer.finish()?;
    let reason = field(&session, "end_reason");
    let state = if reason.is_empty() { field(&session, "status") } else { reason };
    output::say(&format!("\nend of the recording ({state})"));
    Ok(())
}

fn announce(session: &Value) {
    let [user, connection, started] =
        ["user", "connection", "start_date"].map(|name| field(session, name));
    output::say(&format!("{user} on {connection}, {started}"));
}

async fn show(id: &str, renderer: &mut Renderer, pace: &mut Pace, context: &Context) -> Result<()> {
    let mut query = vec![("limit", PAGE.to_owned())];
    loop {
        let page = context.api.get(&["sessions", id, "packets"], &query).await?;
        for value in page.get("data").and_then(Value::as_array).into_iter().flatten() {
            if context.json() {
                output::print(&value.to_string())?;
                continue;
            }
            let packet = Packet::read(value)?;
            if !packet.inward() {
                pace.wait(packet.micros()).await;
            }
            renderer.show(&packet)?;
        }
        match field(&page, "next_cursor") {
            next if next.is_empty() => return Ok(()),
            next => query = vec![("limit", PAGE.to_owned()), ("cursor", next)],
        }
    }
}
