//! A process that ends the children when the supervisor was killed.
//!
//! The guard is the same program, started once more. It reads from a pipe that nobody ever
//! writes to: when the supervisor is gone, however it went, the kernel closes the pipe.
//! A parent-death signal would not do: it is tied to a thread, lost when a program changes
//! its account, and there on Linux only.

use std::{
    io::{self, Read},
    os::unix::process::CommandExt,
    path::Path,
    process::Stdio,
    time::Duration,
};

use tokio::{process::Command, task::JoinHandle, time};
use tokio_util::sync::CancellationToken;

use crate::{options::Options, roster, say::say};

/// How long the guard may take to see that it is not needed any more.
const PATIENCE: Duration = Duration::from_secs(5);

/// Between the end of a guard and the start of the next.
const PAUSE: Duration = Duration::from_secs(1);

/// Waits for the end of standard input, then ends what is on the list at `roster`.
pub fn be(roster: &Path) {
    // An error is an end, too.
    let _ended = io::stdin().read_to_end(&mut Vec::new());
    roster::end_all(roster);
}

/// The running guard.
#[derive(Debug)]
pub(crate) struct Guard {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Guard {
    /// Starts it, and starts it again when somebody kills it.
    pub(crate) fn start(options: &Options, roster: &Path) -> io::Result<Self> {
        let mut command = std::process::Command::new(&options.program);
        command.args(&options.guard).arg(roster).current_dir("/");
        // Signals of a terminal go to a whole process group and are not for the guard.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut command = Command::from(command);
        let mut child = command.spawn()?;
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            loop {
                // Taken out, because waiting for a child closes its standard input.
                let pipe = child.stdin.take();
                tokio::select! {
                    _ = child.wait() => {}
                    () = stopped.cancelled() => {
                        drop(pipe);
                        let _late = time::timeout(PATIENCE, child.wait()).await;
                        return;
                    }
                }
                time::sleep(PAUSE).await;
                match command.spawn() {
                    Ok(next) => child = next,
                    Err(error) => {
                        say(&format!("the guard can't be started again: {error}"));
                        return;
                    }
                }
            }
        });
        Ok(Self { stop, task })
    }

    /// Ends it: there is nothing left to guard.
    pub(crate) async fn end(self) {
        self.stop.cancel();
        let _panicked = self.task.await;
    }
}
