//! The task that keeps one child running.

use std::sync::Arc;

use hoop_runtime::backoff::Backoff;
use tokio::{
    sync::watch,
    time::{self, Duration, Instant},
};
use tokio_util::sync::CancellationToken;

use crate::{logs, say::say};

use super::{Failure, Family, Spec, State, process::Process};

/// How long a child may take to get ready. A database that was not stopped cleanly repairs
/// itself first.
const READY: Duration = Duration::from_secs(60);

/// A child that ran this long was well, and its next failure is a new one.
const WELL: Duration = Duration::from_secs(60);

/// How often a child is tried that has never been ready: a wrong setting stays wrong.
const TRIES: u32 = 3;

/// The shortest and the longest time before a child is started again.
const AGAIN: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(30));

/// How a child ended.
enum End {
    /// It was asked to.
    Asked,
    /// By itself.
    Failed(Failure),
}

pub(super) struct Keeper {
    pub(super) spec: Spec,
    pub(super) family: Family,
    pub(super) state: watch::Sender<State>,
    pub(super) stop: CancellationToken,
}

impl Keeper {
    pub(super) async fn run(self) {
        let mut backoff = Backoff::new(AGAIN.0, AGAIN.1);
        let mut tries = 0;
        loop {
            let started = Instant::now();
            let End::Failed(failure) = self.once().await else { return };
            if !self.was_ready() {
                tries += 1;
                if tries == TRIES {
                    self.state.send_replace(State::Failed(Arc::new(failure)));
                    return;
                }
            }
            if started.elapsed() >= WELL {
                backoff.reset();
            }
            let delay = backoff.next_delay();
            say(&format!(
                "{} {}; starting it again in {:.1} s (log: {})",
                self.spec.name,
                failure.how,
                delay.as_secs_f32(),
                failure.log.display()
            ));
            tokio::select! {
                () = time::sleep(delay) => {}
                () = self.stop.cancelled() => return,
            }
        }
    }

    /// From one start to its end.
    async fn once(&self) -> End {
        let log = logs::path(&self.family.logs, self.spec.name);
        let begin = std::fs::metadata(&log).map_or(0, |about| about.len());
        let failed = |how: String| {
            let last_words = logs::last_words(&log, begin);
            End::Failed(Failure { how, log: log.clone(), last_words })
        };
        let (mut process, mut ready) = match Process::spawn(&self.spec, &self.family) {
            Ok(started) => started,
            Err(error) => return failed(format!("can't be started: {error}")),
        };
        tokio::select! {
            () = ready.seen() => {}
            how = process.ended() => return failed(how),
            () = self.stop.cancelled() => return self.finish(process).await,
            () = time::sleep(READY) => {
                process.kill().await;
                return failed(format!("was not ready after {} s", READY.as_secs()));
            }
        }
        let again = if self.was_ready() { " again" } else { "" };
        say(&format!("{} ready{again}", self.spec.name));
        self.state.send_replace(State::Ready);
        tokio::select! {
            how = process.ended() => failed(how),
            () = self.stop.cancelled() => self.finish(process).await,
        }
    }

    async fn finish(&self, process: Process) -> End {
        if !process.stop(self.spec.stop, self.spec.patience, &self.family.now).await {
            say(&format!("{} had to be killed", self.spec.name));
        }
        End::Asked
    }

    fn was_ready(&self) -> bool {
        matches!(*self.state.borrow(), State::Ready)
    }
}
