//! A child process with a log file, that ends with its owner.

use std::{
    fs::{self, File},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::reaper::{self, Signal};

/// A running child. Dropping it ends it.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
    output: PathBuf,
    /// `None` when it is to run on.
    on_drop: Option<Signal>,
}

impl Process {
    /// Starts `command`. What it prints goes to `<logs>/<name>.out`, what it logs to `<logs>/<name>.log`.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn spawn(name: &str, mut command: Command, logs: &Path) -> Result<Self> {
        fs::create_dir_all(logs).with_context(|| format!("create {}", logs.display()))?;
        let log = logs.join(format!("{name}.log"));
        let output = logs.join(format!("{name}.out"));
        let child = command
            .stdin(Stdio::null())
            // Ctrl-C goes to a whole process group; whoever owns this process decides when it ends.
            .process_group(0)
            .stdout(File::create(&output).with_context(|| format!("create {}", output.display()))?)
            .stderr(
                File::options()
                    .create(true)
                    .append(true)
                    .open(&log)
                    .with_context(|| format!("open {}", log.display()))?,
            )
            .spawn()
            .with_context(|| format!("start {name} ({})", command.get_program().display()))?;
        reaper::watch(child.id(), Signal::Kill);
        Ok(Self { name: name.to_owned(), child, log, output, on_drop: Some(Signal::Kill) })
    }

    /// Ends it with `signal` from now on, when it is dropped or its owner is gone.
    #[must_use]
    pub fn ended_by(mut self, signal: Signal) -> Self {
        if let Some(before) = self.on_drop.replace(signal) {
            reaper::forget(self.child.id(), before);
        }
        reaper::watch(self.child.id(), signal);
        self
    }

    /// Lets it run on when this process is gone: somebody else ends it.
    pub fn leave_running(mut self) {
        if let Some(signal) = self.on_drop.take() {
            reaper::forget(self.child.id(), signal);
        }
    }

    /// What it was called when it was started.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote to standard error, from all its starts.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// What it has written to standard output since its start.
    #[must_use]
    pub fn printed(&self) -> String {
        fs::read_to_string(&self.output).unwrap_or_default()
    }

    /// Whether it has not ended yet.
    pub fn running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits until `ready` finds what it looks for in the output.
    ///
    /// # Errors
    /// When the process ends before, or takes longer than [`crate::patience`]; with the end of its log.
    pub fn wait_until_ready<T>(&mut self, ready: impl Fn(&str) -> Option<T>) -> Result<T> {
        let started = Instant::now();
        loop {
            if let Some(found) = ready(&self.printed()) {
                return Ok(found);
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended before it was ready ({status}); {}", self.name, self.last_words());
            }
            if crate::patience() < started.elapsed() {
                bail!(
                    "{} was not ready after {:?}; {}",
                    self.name,
                    started.elapsed(),
                    self.last_words()
                );
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// SIGKILL, and wait until it is gone.
    ///
    /// # Errors
    /// When it can't be waited for.
    pub fn kill(&mut self) -> Result<ExitStatus> {
        if let Some(signal) = self.on_drop {
            reaper::forget(self.child.id(), signal);
        }
        // An error means that it has ended by itself.
        let _ended = self.child.kill();
        self.child.wait().with_context(|| format!("wait for {}", self.name))
    }

    /// Sends the signal with this name, such as `TERM`.
    ///
    /// # Errors
    /// When there is no such process any more.
    pub fn signal(&self, signal: &str) -> Result<()> {
        let status = Command::new("kill")
            .args(["-s", signal, &self.child.id().to_string()])
            .stderr(Stdio::null())
            .status()?;
        anyhow::ensure!(status.success(), "{} is not running", self.name);
        Ok(())
    }

    /// SIGTERM, and wait until it is gone; SIGKILL after `limit`.
    ///
    /// # Errors
    /// When it had to be killed, or ended with a failure.
    pub fn terminate(&mut self, limit: Duration) -> Result<()> {
        if self.running() {
            self.signal("TERM")?;
        }
        self.wait(limit)
    }

    /// Waits until it ends by itself; SIGKILL after `limit`.
    ///
    /// # Errors
    /// When it had to be killed, or ended with a failure.
    pub fn wait(&mut self, limit: Duration) -> Result<()> {
        let started = Instant::now();
        while self.running() {
            if limit < started.elapsed() {
                self.kill()?;
                bail!("{} did not stop within {limit:?}; {}", self.name, self.last_words());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let status = self.kill()?;
        anyhow::ensure!(status.success(), "{} failed ({status}); {}", self.name, self.last_words());
        Ok(())
    }

    /// The end of the log and where to find all of it.
    #[must_use]
    pub fn last_words(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let mut lines: Vec<&str> = log.lines().rev().take(12).collect();
        lines.reverse();
        format!("its log is {} and ends with:\n{}", self.log.display(), lines.join("\n"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let Some(signal) = self.on_drop else { return };
        if matches!(signal, Signal::Quit) && self.running() && self.signal("QUIT").is_ok() {
            let _status = self.child.wait();
        }
        let _status = self.kill();
    }
}
