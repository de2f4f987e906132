//! Commands that the agent runs: a connection's own, or the usual client of a database.
//!
//! A command runs in a process group of its own, with pipes or on a terminal. What it
//! needs to know comes through its environment and through private files, never through
//! its arguments, which every user of the host can read.

mod group;
mod output;
mod program;
mod running;
mod secret;
mod start;
mod terminal;

use std::sync::Arc;

use hoop_domain::EndReason;
use hoop_proto::v1::ExecOpen;
use tokio::io::{AsyncRead, AsyncWrite};

use super::Failure;
use crate::{private_files::PrivateDir, secrets::Secrets, surroundings::Surroundings};
pub(crate) use program::Program;
pub(crate) use running::{Exit, Interrupt, Running};
use secret::Given;
pub(crate) use terminal::Resizer;

/// What a connection runs, and what it gives to it.
#[derive(Debug)]
pub(crate) struct CommandLine {
    program: Program,
    given: Given,
    /// What a command may know about its session: names and values.
    facts: Vec<(&'static str, String)>,
    surroundings: Arc<Surroundings>,
}

/// A command that was started: its ends, and what watches over it.
pub(crate) struct Started {
    pub(crate) stdin: Box<dyn AsyncWrite + Send + Unpin>,
    pub(crate) stdout: Box<dyn AsyncRead + Send + Unpin>,
    /// Apart from `stdout`, unless there is a terminal.
    pub(crate) stderr: Option<Box<dyn AsyncRead + Send + Unpin>>,
    /// For a terminal only.
    pub(crate) resizer: Option<Resizer>,
    pub(crate) running: Running,
}

/// The names of secret files, which are variables, and where they are.
type Paths = Vec<(String, String)>;

/// What is not the connection's own.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    pub(crate) surroundings: Arc<Surroundings>,
    /// See [`CommandLine`].
    pub(crate) facts: Vec<(&'static str, String)>,
}

impl CommandLine {
    /// A connection of type `command-line`.
    pub(crate) fn new(
        command: Vec<String>,
        secrets: &Secrets,
        setting: Setting,
    ) -> Result<Self, Failure> {
        if command.first().is_none_or(String::is_empty) {
            return Err(Failure::misconfigured(format_args!("the connection has no command")));
        }
        Self::with(Program::Given(command), Given::all(secrets)?, setting)
    }

    /// `psql`, or the connection's own command, on a connection of type `postgres`.
    pub(crate) fn postgres(
        command: Vec<String>,
        secrets: &Secrets,
        setting: Setting,
    ) -> Result<Self, Failure> {
        Self::with(Program::or(command, Program::Psql), Given::postgres(secrets)?, setting)
    }

    /// `mysql`, or the connection's own command, on a connection of type `mysql`.
    pub(crate) fn mysql(
        command: Vec<String>,
        secrets: &Secrets,
        setting: Setting,
    ) -> Result<Self, Failure> {
        Self::with(Program::or(command, Program::Mysql), Given::mysql(secrets)?, setting)
    }

    fn with(program: Program, given: Given, setting: Setting) -> Result<Self, Failure> {
        if program.has_nul() {
            let what = format_args!("the command has a NUL character");
            return Err(Failure::misconfigured(what));
        }
        let Setting { surroundings, facts } = setting;
        Ok(Self { program, given, facts, surroundings })
    }

    /// Starts the command with the client's arguments after it.
    pub(crate) fn start(&self, open: &ExecOpen) -> Result<Started, Failure> {
        if open.arguments.iter().any(|argument| argument.contains('\0')) {
            let message = "an argument of the command has a NUL character";
            return Err(Failure::new(EndReason::ProtocolViolation, message));
        }
        let (files, paths) = self.files()?;
        start::start(self, open, files, &paths)
    }

    /// Writes the secrets that are to be files: their names and paths.
    fn files(&self) -> Result<(Option<PrivateDir>, Paths), Failure> {
        if self.given.files.is_empty() {
            return Ok((None, Vec::new()));
        }
        let failed = |error| {
            let message = "the agent could not write the connection's secret files";
            Failure::new(EndReason::Misconfigured, message).because(error)
        };
        let (directory, root) = self.surroundings.private_files.directory().map_err(failed)?;
        self.surroundings.guard.add_directory(&root);
        let mut paths = Paths::new();
        for (name, content) in &self.given.files {
            let path = directory.write(name, content.reveal().as_bytes()).map_err(failed)?;
            paths.push((name.clone(), path.to_string_lossy().into_owned()));
        }
        Ok((Some(directory), paths))
    }
}
