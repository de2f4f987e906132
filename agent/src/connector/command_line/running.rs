//! A command that runs, from its start to the last of what it printed.

use std::{
    os::unix::process::ExitStatusExt,
    process::ExitStatus,
    sync::{Arc, Weak},
};

use tokio::{
    process::Child,
    time::{Duration, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{group::Group, output::Outputs};
use crate::{guard::GRACE, private_files::PrivateDir};

/// How often is looked whether all processes of a command have ended.
const LOOK: Duration = Duration::from_millis(50);

/// How long a killed process may take to be gone: it may be stuck in the kernel.
const KILLED: Duration = Duration::from_secs(1);

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exit {
    /// Its exit code, or 128 + `signal`.
    pub(crate) code: i32,
    /// The signal that ended it, or 0.
    pub(crate) signal: i32,
}

/// A command that was started, or that could not be.
#[derive(Debug)]
pub(crate) enum Running {
    Process(Box<Process>),
    /// It never ran; what there is to say about it is in its output.
    Never(Exit),
}

#[derive(Debug)]
pub(crate) struct Process {
    pub(super) child: Child,
    pub(super) group: Arc<Group>,
    pub(super) outputs: Arc<Outputs>,
    /// Removed once nobody can need them.
    pub(super) files: Option<PrivateDir>,
}

/// Ctrl-C for a command.
#[derive(Debug)]
pub(crate) struct Interrupt(Weak<Group>);

impl Interrupt {
    pub(crate) fn send(&self) {
        if let Some(group) = self.0.upgrade() {
            group.interrupt();
        }
    }
}

impl Running {
    /// The handle to interrupt it with.
    pub(crate) fn interrupt(&self) -> Interrupt {
        Interrupt(match self {
            Self::Process(process) => Arc::downgrade(&process.group),
            Self::Never(_) => Weak::new(),
        })
    }

    /// Waits for its end, or brings it about when `stop` is cancelled.
    pub(crate) async fn supervise(self, stop: CancellationToken) -> Exit {
        match self {
            Self::Process(process) => process.supervise(stop).await,
            Self::Never(exit) => exit,
        }
    }
}

impl Process {
    async fn supervise(mut self, stop: CancellationToken) -> Exit {
        let exited = tokio::select! {
            biased;
            exited = self.child.wait() => exited.ok(),
            () = stop.cancelled() => return self.stop().await,
        };
        tokio::select! {
            biased;
            () = self.outputs.drained(|| self.group.kill()) => {}
            () = stop.cancelled() => self.end_group().await,
        }
        self.over();
        exited.map_or(Exit { code: 255, signal: 0 }, Exit::from)
    }

    async fn stop(mut self) -> Exit {
        self.outputs.cut();
        self.end_group().await;
        let exited = timeout(KILLED, self.child.wait()).await;
        self.over();
        exited.ok().and_then(Result::ok).map_or(Exit { code: 255, signal: 0 }, Exit::from)
    }

    /// SIGTERM, and SIGKILL for what has not ended by then.
    async fn end_group(&mut self) {
        self.group.terminate();
        let (child, group) = (&mut self.child, &self.group);
        let gone = async {
            // Whoever is not waited for counts as alive.
            let _ = child.wait().await;
            while group.alive() {
                sleep(LOOK).await;
            }
        };
        let _ = timeout(GRACE, gone).await;
        self.group.kill();
    }

    fn over(self) {
        self.group.kill();
        drop(self.files);
    }
}

impl From<ExitStatus> for Exit {
    fn from(status: ExitStatus) -> Self {
        let signal = status.signal().unwrap_or_default();
        Self { code: status.code().unwrap_or(128 + signal), signal }
    }
}
