//! The `hoop` command of a person with a home directory of their own.

use std::{
    path::Path,
    process::{Output, Stdio},
};

use anyhow::{Context, Result};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStderr, Command},
};

use crate::{Gateway, Psql, Rest, binaries, gateway::ADMIN, pty::Terminal};

/// A person at a terminal.
#[derive(Debug)]
pub struct Person {
    home: TempDir,
    settings: Vec<(String, String)>,
}

/// A running `hoop connect`.
#[derive(Debug)]
pub struct Connected {
    /// Where the target is reached.
    pub port: u16,
    /// The session's id.
    pub session: String,
    /// The command.
    pub child: Child,
    /// The rest of what it says, which must be read by somebody.
    _talk: Lines<BufReader<ChildStderr>>,
}

impl Person {
    /// Nobody has signed in yet.
    ///
    /// # Errors
    /// When there is no room for a home directory.
    pub fn new() -> Result<Self> {
        Ok(Self { home: tempfile::tempdir()?, settings: Vec::new() })
    }

    /// With this variable in the environment of every command.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.settings.push((name.to_owned(), value.into()));
        self
    }

    /// Somebody else with the same settings of the command, and another variable.
    ///
    /// # Errors
    /// When there are no settings to copy.
    pub fn settings_of_another(&self, name: &str, value: &str) -> Result<Self> {
        let other = Self::new()?.with(name, value);
        let file = ".hoop/config.toml";
        std::fs::create_dir_all(other.home().join(".hoop"))?;
        std::fs::copy(self.home().join(file), other.home().join(file))?;
        Ok(other)
    }

    /// Signed in to `gateway` as its administrator.
    ///
    /// # Errors
    /// When `hoop login` fails.
    pub async fn signed_in(gateway: &Gateway) -> Result<Self> {
        Self::signed_in_by(gateway, gateway.edge(gateway.edges.len() - 1)?.grpc).await
    }

    /// The same, with sessions by way of the gRPC port `port`.
    ///
    /// # Errors
    /// When `hoop login` fails.
    pub async fn signed_in_by(gateway: &Gateway, port: u16) -> Result<Self> {
        let person = Self::new()?;
        let grpc = format!("grpc://127.0.0.1:{port}");
        let login = ["login", "--api-url", &gateway.api_url, "--grpc-url", &grpc, "--email", ADMIN];
        let output = person
            .hoop(&login)?
            .env("HOOP_PASSWORD", &gateway.keys.admin_password)
            .output()
            .await
            .context("run hoop login")?;
        Psql(output).success()?;
        Ok(person)
    }

    /// The command with these arguments.
    ///
    /// # Errors
    /// When it is not built.
    pub fn hoop(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new(binaries::find("hoop")?);
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.home.path())
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        Ok(command)
    }

    /// The command with these arguments, as the user that `rest` is signed in as.
    ///
    /// # Errors
    /// When it is not built.
    pub fn hoop_as(&self, rest: &Rest, arguments: &[&str]) -> Result<Command> {
        let mut command = self.hoop(arguments)?;
        command.env("HOOP_TOKEN", rest.token().context("nobody is signed in")?);
        Ok(command)
    }

    /// The person's home directory.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The command in a terminal of its own.
    ///
    /// # Errors
    /// When it does not start.
    pub fn terminal(&self, arguments: &[&str]) -> Result<Terminal> {
        self.in_terminal(&binaries::find("hoop")?, arguments)
    }

    /// A shell in a terminal, with the prompt `local>`, that finds `hoop`.
    ///
    /// # Errors
    /// When it does not start.
    pub fn shell(&self) -> Result<Terminal> {
        self.in_terminal(Path::new("bash"), &["--norc", "--noprofile"])
    }

    fn in_terminal(&self, program: &Path, arguments: &[&str]) -> Result<Terminal> {
        let hoop = binaries::find("hoop")?;
        let folder = hoop.parent().context("hoop is in no folder")?;
        let command = pty_process::Command::new(program)
            .args(arguments)
            .env_clear()
            .env("HOME", self.home.path())
            .env("PATH", format!("{}:/usr/bin:/bin", folder.display()))
            .env("PS1", "local> ")
            .env("TERM", "xterm");
        Terminal::run(command)
    }

    /// Runs it with `input` on its standard input.
    ///
    /// # Errors
    /// When it does not run.
    pub async fn feed(&self, arguments: &[&str], input: Vec<u8>) -> Result<Output> {
        let mut child = self.hoop(arguments)?.stdin(Stdio::piped()).spawn()?;
        let mut stdin = child.stdin.take().context("no standard input")?;
        let feeding = tokio::spawn(async move {
            // Who reads nothing has said so by the way it ended.
            let _broken = stdin.write_all(&input).await;
        });
        let output = child.wait_with_output().await?;
        feeding.await?;
        Ok(output)
    }

    /// Runs it, and what it printed.
    ///
    /// # Errors
    /// With what it complained about.
    pub async fn run(&self, arguments: &[&str]) -> Result<String> {
        Psql(self.hoop(arguments)?.output().await?).success()
    }

    /// `hoop connect`, when it is ready.
    ///
    /// # Errors
    /// With what it said before it ended.
    pub async fn connect(&self, connection: &str) -> Result<Connected> {
        let mut child = self.hoop(&["connect", connection, "--port", "0"])?.spawn()?;
        let mut talk = BufReader::new(child.stderr.take().context("no standard error")?).lines();
        let (mut port, mut session, mut said) = (None, None, String::new());
        while let Some(line) = talk.next_line().await? {
            said.push_str(&line);
            let after =
                |word: &str| Some(line.split(word).nth(1)?.split_whitespace().next()?.to_owned());
            port = port.or_else(|| after("port=")?.parse().ok());
            session = session.or_else(|| after("session: "));
            if line.contains("ready to accept connections") {
                break;
            }
        }
        let heard = port.zip(session);
        let (port, session) = heard.with_context(|| format!("hoop connect said {said:?}"))?;
        Ok(Connected { port, session, child, _talk: talk })
    }
}
