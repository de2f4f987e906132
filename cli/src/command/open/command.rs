//! A session's one channel with a command on it: what both `exec` and `connect` wait for.

use std::{future::pending, time::Duration};

use anyhow::{Result, anyhow, bail};
use hoop_client::{Event, Pipe, session::Session};
use hoop_domain::EndReason;
use hoop_proto::v1::{ExecOpen, Terminal};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::lost;
use crate::output::{printable, say};

/// How long the last bytes and the good-bye may take.
const GOOD_BYE: Duration = Duration::from_secs(5);

/// A command on the other side.
pub(crate) struct Remote {
    pub(crate) id: String,
    pub(crate) pipe: Pipe,
    pub(crate) channel: u32,
    /// Whether the user's terminal is raw: a line then needs a carriage return.
    raw: bool,
}

/// How it came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// By itself, with this exit code, by this signal or 0.
    Exit { code: u8, signal: i32 },
    /// The channel was given up, on this side or the other.
    Cut,
}

impl Remote {
    /// Has the session's command started and waits until it runs.
    pub(crate) async fn start(
        session: Session,
        arguments: Vec<String>,
        terminal: Option<Terminal>,
    ) -> Result<Self> {
        let Session { id, mut pipe, .. } = session;
        let raw = terminal.is_some();
        let channel = pipe.open_command(ExecOpen { arguments, terminal })?;
        let mut remote = Self { id: id.to_string(), pipe, channel, raw: false };
        if let Err(error) = remote.until_ready().await {
            // A stream that only breaks would be waited for, with the session open.
            remote.end().await;
            return Err(error);
        }
        remote.raw = raw;
        Ok(remote)
    }

    async fn until_ready(&mut self) -> Result<()> {
        loop {
            let event = self.pipe.event().await.map_err(lost)?;
            if matches!(event, Event::Ready { .. }) {
                return Ok(());
            }
            if self.happened(event)?.is_some() {
                bail!("the command ended before it began");
            }
        }
    }

    /// What an event means; the ending when it is one.
    pub(crate) fn happened(&self, event: Event) -> Result<Option<Ending>> {
        match event {
            Event::Exit { code, signal, .. } => {
                // What does not fit in an exit code is a failure all the same.
                Ok(Some(Ending::Exit { code: u8::try_from(code).unwrap_or(255), signal }))
            }
            Event::Finished { .. } => Ok(Some(Ending::Cut)),
            Event::Failed { message, .. } => Err(anyhow!("{}", printable(&message))),
            Event::End { message, .. } => bail!("the session ended: {}", printable(&message)),
            Event::Notice { message } => {
                let line_end = if self.raw { "\r" } else { "" };
                say(&format!("{line_end}hoop: {}{line_end}", printable(&message)));
                Ok(None)
            }
            Event::Open { .. } => {
                bail!("the gateway asked this end to reach a target, which only agents do")
            }
            Event::Ready { .. }
            | Event::Cancel { .. }
            | Event::ReaderEnded { .. }
            | Event::Resumed { .. }
            | Event::Resize { .. } => Ok(None),
        }
    }

    /// Says good-bye.
    pub(crate) async fn end(mut self) {
        self.pipe.end(EndReason::ClientClosed, EndReason::ClientClosed.message());
        self.pipe.closed(GOOD_BYE).await;
    }
}

/// The signals that ask this process to end.
pub(crate) struct Farewell {
    terminate: Signal,
    hang_up: Signal,
}

impl Farewell {
    pub(crate) fn new() -> Result<Self> {
        let (terminate, hang_up) = (SignalKind::terminate(), SignalKind::hangup());
        Ok(Self { terminate: signal(terminate)?, hang_up: signal(hang_up)? })
    }

    /// The number of the signal that came.
    pub(crate) async fn came(&mut self) -> u8 {
        tokio::select! {
            Some(()) = self.terminate.recv() => 15,
            Some(()) = self.hang_up.recv() => 1,
            else => pending().await,
        }
    }
}
