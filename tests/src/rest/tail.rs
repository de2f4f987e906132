//! Following a session, as a program that reads server-sent events.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{Packet, Rest};

/// What a tail has told.
#[derive(Debug, Clone, Default)]
pub struct Tail {
    /// The packets, in the order in which they came, each with its event's id.
    pub packets: Vec<(String, Packet)>,
    /// What the last event said; `None` when it was cut off.
    pub end: Option<Value>,
    /// Why it was cut off, when that was said.
    pub error: Option<Value>,
}

impl Rest {
    /// Follows the session until it ends, or until `enough` has seen enough.
    ///
    /// # Errors
    /// When it is refused, or what comes is not a stream of events.
    pub async fn tail(
        &self,
        session: &str,
        after: Option<&str>,
        mut enough: impl FnMut(&Tail) -> bool,
    ) -> Result<Tail> {
        let path = format!("/api/sessions/{session}/tail");
        let mut request = self.client.get(format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(id) = after {
            request = request.header("Last-Event-ID", id);
        }
        let mut response = request.send().await?;
        ensure!(response.status().is_success(), "GET {path} was answered {}", response.status());
        let (mut tail, mut rest) = (Tail::default(), Vec::new());
        while let Some(piece) = response.chunk().await? {
            rest.extend_from_slice(&piece);
            while let Some(at) = rest.windows(2).position(|two| two == b"\n\n") {
                let event: Vec<u8> = rest.drain(..at + 2).collect();
                tail.take_in(std::str::from_utf8(&event)?)?;
            }
            if tail.end.is_some() || tail.error.is_some() || enough(&tail) {
                break;
            }
        }
        Ok(tail)
    }
}

impl Tail {
    fn take_in(&mut self, event: &str) -> Result<()> {
        let field =
            |name: &str| event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        match field("event") {
            Some("packet") => {
                let id = field("id").context("a packet without an id")?.to_owned();
                let data = serde_json::from_str(field("data").context("a packet without data")?)?;
                self.packets.push((id, Packet(data)));
            }
            Some("end") => self.end = Some(serde_json::from_str(field("data").unwrap_or("{}"))?),
            Some("error") => {
                self.error = Some(serde_json::from_str(field("data").unwrap_or("{}"))?);
            }
            // A comment keeps the connection alive.
            _ => ensure!(event.starts_with(':'), "an event of no kind: {event}"),
        }
        Ok(())
    }
}
