//! The command of a session: how to stop, interrupt and resize it.

use std::collections::HashMap;

use tokio_util::sync::{CancellationToken, DropGuard};

use crate::connector::{Interrupt, Resizer, Started};

/// The commands of one session. One runs at most: with it, the session ends.
#[derive(Debug, Default)]
pub(super) struct Commands {
    begun: bool,
    running: HashMap<u32, Command>,
    /// The latest size of a terminal that is not there yet.
    early: Option<(u32, u32)>,
}

#[derive(Debug)]
struct Command {
    /// Dropping it stops the command.
    _stop: DropGuard,
    interrupt: Interrupt,
    resizer: Option<Resizer>,
}

impl Commands {
    /// Takes the session's place for a command; `false` when it is taken.
    #[must_use]
    pub(super) fn begin(&mut self) -> bool {
        !std::mem::replace(&mut self.begun, true)
    }

    /// Whether the session has, or had, a command.
    pub(super) const fn begun(&self) -> bool {
        self.begun
    }

    pub(super) fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    /// The command was started: what is cancelled to stop it.
    pub(super) fn started(&mut self, channel: u32, started: &mut Started) -> CancellationToken {
        let stop = CancellationToken::new();
        let interrupt = started.running.interrupt();
        let resizer = started.resizer.take();
        if let (Some(resizer), Some((columns, rows))) = (&resizer, self.early.take()) {
            resizer.resize(columns, rows);
        }
        let command = Command { _stop: stop.clone().drop_guard(), interrupt, resizer };
        self.running.insert(channel, command);
        stop
    }

    pub(super) fn interrupt(&self, channel: u32) {
        if let Some(command) = self.running.get(&channel) {
            command.interrupt.send();
        }
    }

    pub(super) fn resize(&mut self, channel: u32, columns: u32, rows: u32) {
        match self.running.get(&channel) {
            Some(command) => {
                if let Some(resizer) = &command.resizer {
                    resizer.resize(columns, rows);
                }
            }
            None => self.early = Some((columns, rows)),
        }
    }

    /// Stops the command of a channel that is gone.
    pub(super) fn stop(&mut self, channel: u32) {
        self.running.remove(&channel);
    }

    pub(super) fn stop_all(&mut self) {
        self.running.clear();
    }
}
