//! Follows a session over as many connections as it takes: when one breaks, the next goes on
//! after the last event, so that nothing is missing and nothing comes twice.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use hoop_runtime::backoff::Backoff;
use reqwest::Response;
use serde_json::Value;
use tokio::time::{sleep, timeout};

use super::events::{Event, Events};
use crate::{
    command::sessions::{packet::Packet, render::Renderer},
    context::Context,
    output::{self, field},
};

/// A gateway that says nothing for so long is lost: it sends a comment every 15 s.
const SILENCE: Duration = Duration::from_secs(45);

/// How long a gateway may be away.
const PATIENCE: Duration = Duration::from_secs(120);

const LOST: &str = "the gateway was lost before the session's end; run the command again";

/// Somebody who follows a session.
pub(super) struct Follower<'a> {
    id: &'a str,
    context: &'a Context,
    renderer: &'a mut Renderer,
    /// The id of the last event that was shown.
    last: Option<String>,
    /// Whether the gateway has let this one follow.
    let_in: bool,
    backoff: Backoff,
    lost_at: Option<Instant>,
}

/// How a connection ended.
enum Ended {
    /// So did the session.
    Session(Value),
    /// It broke.
    Broken,
}

impl<'a> Follower<'a> {
    pub(super) fn new(id: &'a str, context: &'a Context, renderer: &'a mut Renderer) -> Self {
        let backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(3));
        Self { id, context, renderer, last: None, let_in: false, backoff, lost_at: None }
    }

    /// Shows what comes until the end, and what the gateway says of that.
    pub(super) async fn run(mut self) -> Result<Value> {
        loop {
            let ended = match self.connect().await? {
                Some(response) => self.read(response).await?,
                None => Ended::Broken,
            };
            match ended {
                Ended::Session(end) => return Ok(end),
                Ended::Broken => self.wait().await?,
            }
        }
    }

    /// The answer, or `None` when that is worth another try.
    async fn connect(&mut self) -> Result<Option<Response>> {
        let path = ["sessions", self.id, "tail"];
        match self.context.api.follow(&path, self.last.as_deref()).await {
            Ok(response) => {
                self.let_in = true;
                Ok(Some(response))
            }
            Err(error) if self.let_in && error.may_pass() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn read(&mut self, mut response: Response) -> Result<Ended> {
        let mut events = Events::default();
        loop {
            let Ok(Ok(Some(piece))) = timeout(SILENCE, response.chunk()).await else {
                return Ok(Ended::Broken);
            };
            events.feed(&piece)?;
            while let Some(event) = events.next() {
                if let Some(end) = self.take(&event)? {
                    return Ok(Ended::Session(end));
                }
            }
        }
    }

    /// Shows an event; the session's end, if it is that.
    fn take(&mut self, event: &Event) -> Result<Option<Value>> {
        self.lost_at = None;
        self.backoff.reset();
        let value: Value = serde_json::from_str(&event.data).unwrap_or_default();
        match event.name.as_str() {
            "packet" if self.context.json() => output::print(&value.to_string())?,
            "packet" => self.renderer.show(&Packet::read(&value)?)?,
            "end" => return Ok(Some(value)),
            "error" => bail!("{}", field(&value, "message")),
            // Something that a newer gateway says besides.
            _ => {}
        }
        if !event.id.is_empty() {
            self.last = Some(event.id.clone());
        }
        Ok(None)
    }

    async fn wait(&mut self) -> Result<()> {
        let now = Instant::now();
        match self.lost_at {
            None => {
                self.lost_at = Some(now);
                output::say("the gateway was lost; trying again");
            }
            Some(at) if PATIENCE <= now.duration_since(at) => bail!(LOST),
            Some(_) => {}
        }
        sleep(self.backoff.next_delay()).await;
        Ok(())
    }
}
