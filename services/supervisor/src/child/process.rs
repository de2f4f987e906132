//! One run of a child.

use std::{
    ffi::OsStr,
    io,
    os::unix::process::{CommandExt, ExitStatusExt},
    path::Path,
    process::{ExitStatus, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    process::{Child, Command},
    time::{self, Duration},
};
use tokio_util::sync::CancellationToken;

use crate::{account::Account, logs, roster::Roster};

use super::{Environment, Family, Spec, ready::Watch};

/// How long a child may take to end on a signal that does not ask.
const PATIENCE: Duration = Duration::from_secs(5);

/// What everybody gets whose environment is not ours.
const BASICS: &[&str] = &["PATH", "TZ", "TMPDIR"];

/// A running child. Dropping it kills it.
pub(super) struct Process {
    name: &'static str,
    child: Child,
    pid: u32,
    now: Signal,
    roster: Roster,
}

/// A command in `folder` and as `account`, deaf to the signals of a terminal.
pub(crate) fn command(program: &Path, folder: &Path, account: Option<Account>) -> Command {
    let mut command = std::process::Command::new(program);
    command.current_dir(folder).process_group(0).stdin(Stdio::null());
    if let Some(Account { user, group }) = account {
        // As root this drops the groups of root, too.
        command.uid(user).gid(group);
    }
    let mut command = Command::from(command);
    command.kill_on_drop(true);
    command
}

impl Environment {
    /// Nothing but where programs are.
    pub(crate) const fn basic() -> Self {
        Self { inherited: false, without: Vec::new(), with: Vec::new() }
    }

    /// Gives it to `command`.
    pub(crate) fn apply(&self, command: &mut Command) {
        if !self.inherited {
            command.env_clear();
            let basics = BASICS.iter().map(OsStr::new);
            let found = basics.filter_map(|name| Some((name, std::env::var_os(name)?)));
            command.envs(found);
        }
        for name in &self.without {
            command.env_remove(name);
        }
        command.envs(self.with.iter().map(|(name, value)| (name, value)));
    }
}

impl Process {
    /// Starts it, and looks out for when it is ready.
    pub(super) fn spawn(spec: &Spec, family: &Family) -> io::Result<(Self, Watch)> {
        let (_, log) = logs::open(&family.logs, spec.name)?;
        let mut command = command(&spec.program, &spec.folder, spec.account);
        spec.environment.apply(&mut command);
        command.args(&spec.arguments).stderr(log.try_clone()?);
        if spec.ready.reads_output() {
            command.stdout(Stdio::piped());
        } else {
            command.stdout(log);
        }
        let mut child = command.spawn()?;
        let pid = child.id().unwrap_or_default();
        family.roster.add(spec.name, pid, spec.now);
        let ready = Watch::new(&spec.ready, spec.name, pid, child.stdout.take());
        let roster = family.roster.clone();
        Ok((Self { name: spec.name, child, pid, now: spec.now, roster }, ready))
    }

    /// Waits until it has ended by itself; how it did.
    pub(super) async fn ended(&mut self) -> String {
        let status = self.child.wait().await;
        self.roster.remove(self.name);
        status.map_or_else(|error| format!("is lost: {error}"), how)
    }

    /// Asks it to finish and waits for it, until `now`; false when it had to be killed.
    pub(super) async fn stop(
        mut self,
        stop: Signal,
        patience: Duration,
        now: &CancellationToken,
    ) -> bool {
        self.send(stop);
        let finished = tokio::select! {
            _ = self.child.wait() => true,
            () = time::sleep(patience) => false,
            () = now.cancelled() => false,
        };
        if finished {
            self.roster.remove(self.name);
        } else {
            self.kill().await;
        }
        finished
    }

    /// Ends it at once.
    pub(super) async fn kill(&mut self) {
        self.send(self.now);
        if time::timeout(PATIENCE, self.child.wait()).await.is_err() {
            let _ended = self.child.kill().await;
        }
        self.roster.remove(self.name);
    }

    fn send(&self, signal: Signal) {
        // Its number is its own for as long as nobody has waited for it.
        let alive = self.child.id() == Some(self.pid);
        let pid = i32::try_from(self.pid).ok().filter(|_| alive).and_then(Pid::from_raw);
        if let Some(pid) = pid {
            let _ended = kill_process(pid, signal);
        }
    }
}

fn how(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}
