//! One process of the gateway, that can be killed and started again as it was.

mod metric;

use std::{path::PathBuf, process::Command, time::Duration};

use anyhow::{Context, Result};
use hoop_testkit::Process;

use crate::{binaries, cost::Cost};

/// How long a process may take to stop after SIGTERM.
const STOP: Duration = Duration::from_secs(20);

/// A process of ours: its program, its settings, and the running child.
#[derive(Debug)]
pub struct Service {
    name: String,
    program: &'static str,
    settings: Vec<(String, String)>,
    logs: PathBuf,
    process: Option<Process>,
}

impl Service {
    /// Describes a process; nothing is started.
    #[must_use]
    pub fn new(name: &str, program: &'static str, logs: PathBuf) -> Self {
        // One that is free: the usual ones are another gateway's.
        let settings = vec![("METRICS_LISTEN".into(), "127.0.0.1:0".into())];
        Self { name: name.to_owned(), program, settings, logs, process: None }
    }

    /// Sets an environment variable. The process gets no other, but for `PATH` and `RUST_LOG`.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.set(name, value);
        self
    }

    /// Sets an environment variable from the next start on.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.settings.retain(|(known, _)| known != name);
        self.settings.push((name.to_owned(), value.into()));
    }

    /// One more process with the same settings, under another name; not started.
    #[must_use]
    pub fn another(&self, name: &str) -> Self {
        let (settings, logs) = (self.settings.clone(), self.logs.clone());
        Self { name: name.to_owned(), program: self.program, settings, logs, process: None }
    }

    /// Starts it without waiting.
    ///
    /// # Errors
    /// When its program is not there.
    pub fn launch(&mut self) -> Result<()> {
        let mut command = Command::new(binaries::find(self.program)?);
        command.env_clear();
        for inherited in ["PATH", "RUST_LOG", "RUST_BACKTRACE"] {
            if let Some(value) = std::env::var_os(inherited) {
                command.env(inherited, value);
            }
        }
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        self.process = Some(Process::spawn(&self.name, command, &self.logs)?);
        Ok(())
    }

    /// Waits for its READY line.
    ///
    /// # Errors
    /// When it ends before, with the end of its log.
    pub fn wait_until_ready(&mut self) -> Result<()> {
        let process = self.process.as_mut().context("the process was not started")?;
        process.wait_until_ready(|printed| {
            printed.lines().any(|line| line.starts_with("READY ")).then_some(())
        })
    }

    /// Starts it and waits for its READY line.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(&mut self) -> Result<()> {
        self.launch()?;
        self.wait_until_ready()
    }

    /// SIGKILL.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill(&mut self) -> Result<()> {
        self.process.take().context("the process does not run")?.kill().map(|_| ())
    }

    /// SIGTERM, and wait until it has drained.
    ///
    /// # Errors
    /// When it takes too long or ends with a failure.
    pub fn stop(&mut self) -> Result<()> {
        match self.process.take() {
            Some(mut process) => process.terminate(STOP),
            None => Ok(()),
        }
    }

    /// Waits until it has ended after a SIGTERM.
    ///
    /// # Errors
    /// When it takes too long or ends with a failure.
    pub fn drained(&mut self) -> Result<()> {
        self.process.take().context("the process does not run")?.wait(STOP)
    }

    /// The running child.
    ///
    /// # Errors
    /// When it does not run.
    pub fn process(&mut self) -> Result<&mut Process> {
        self.process.as_mut().with_context(|| format!("{} does not run", self.name))
    }

    /// Its name among the processes of its gateway.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it has used so far; `None` when it does not run.
    #[must_use]
    pub fn cost(&self) -> Option<Cost> {
        Cost::of(self.process.as_ref()?.pid()).ok()
    }

    /// All it has logged, over all its starts.
    #[must_use]
    pub fn log(&self) -> String {
        let path = self.logs.join(format!("{}.log", self.name));
        std::fs::read_to_string(path).unwrap_or_default()
    }
}
