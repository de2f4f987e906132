//! A gateway that was started with `hoop start gateway`, and what is alive of it.

use std::{
    fs::{self, File},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use hoop_testkit::{free_port, tools};
use hoop_tests::{Psql, cli::Person};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Child,
    time::timeout,
};

/// A data directory, ports, and a person who starts a gateway with them.
pub(super) struct Node {
    pub(super) person: Person,
    folder: TempDir,
    data: PathBuf,
    ports: [String; 3],
    child: Option<Child>,
}

impl Node {
    /// Nothing runs yet.
    pub(super) fn new() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("hoop-node-").tempdir()?;
        // When we are root, PostgreSQL runs as somebody else, who has to get in.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
        let data = folder.path().join("data");
        let port = || Ok::<_, anyhow::Error>(free_port()?.to_string());
        let ports = [port()?, port()?, port()?];
        Ok(Self { person: Person::new()?, folder, data, ports, child: None })
    }

    /// Where it keeps everything.
    pub(super) fn data(&self) -> &Path {
        &self.data
    }

    fn command(&self, more: &[&str], settings: &[(&str, &str)]) -> Result<tokio::process::Command> {
        let mut command = self.person.hoop(&["-o", "json", "start", "gateway"])?;
        let mut usual = vec!["--host", "127.0.0.1"];
        let data = self.data.display().to_string();
        let flags = ["--data", "--api-port", "--grpc-port", "--pg-port"];
        let values = std::iter::once(&data).chain(&self.ports);
        for (flag, value) in flags.into_iter().zip(values) {
            let named = |(variable, _): &(&str, &str)| *variable == "API_LISTEN";
            let by_variable = flag == "--api-port" && settings.iter().any(named);
            if !more.contains(&flag) && !by_variable {
                usual.extend([flag, value]);
            }
        }
        let nats = tools::program("nats-server")?;
        let tools = nats.parent().context("nats-server is in no folder")?.to_owned();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(std::env::split_paths(&path).chain([tools]))?;
        command.args(usual).args(more).env("PATH", path).envs(settings.iter().copied());
        Ok(command)
    }

    /// Starts it with these variables besides; what it says when it is ready.
    pub(super) async fn start(&mut self, settings: &[(&str, &str)]) -> Result<Value> {
        let log = File::options().create(true).append(true).open(self.log())?;
        let mut child = self.command(&[], settings)?.stderr(log).spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
        self.child = Some(child);
        let mut printed = String::new();
        let read = async {
            while let Some(line) = lines.next_line().await? {
                printed.push_str(&line);
                if line == "}" {
                    break;
                }
            }
            Ok::<_, anyhow::Error>(())
        };
        // Seconds, when nobody else uses the machine.
        timeout(hoop_testkit::patience() * 3, read)
            .await
            .with_context(|| self.said_or_empty())??;
        serde_json::from_str(&printed).with_context(|| self.said_or_empty())
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("said")
    }

    fn said_or_empty(&self) -> String {
        format!("the gateway said:\n{}", self.said().unwrap_or_default())
    }

    /// What it has said over all its starts.
    pub(super) fn said(&self) -> Result<String> {
        Ok(fs::read_to_string(self.log())?)
    }

    /// What it complains about when it is started with these arguments.
    pub(super) async fn refused(&self, more: &[&str]) -> Result<String> {
        self.refused_with(more, &[]).await
    }

    /// The same with variables.
    pub(super) async fn refused_with(
        &self,
        more: &[&str],
        settings: &[(&str, &str)],
    ) -> Result<String> {
        let mut command = self.command(more, settings)?;
        let output = timeout(hoop_testkit::patience() * 3, command.output());
        Psql(output.await.context("it neither started nor failed")??).failure()
    }

    /// The supervisor's process id.
    pub(super) fn supervisor(&self) -> Result<u32> {
        self.child.as_ref().and_then(Child::id).context("the gateway does not run")
    }

    /// The process id of the child whose command has `program` in it.
    pub(super) fn pid_of(&self, program: &str) -> Result<u32> {
        let all = living(&self.data);
        let mut found = all.iter().filter(|(_, command)| command.contains(program));
        // Of PostgreSQL, the one whose own children the others are.
        let first = found.find(|(_, command)| !command.starts_with("postgres:"));
        first.map(|(pid, _)| *pid).with_context(|| format!("no {program} among {all:?}"))
    }

    /// SIGTERM, and all of it ends.
    pub(super) async fn stop(&mut self) -> Result<()> {
        send("TERM", self.supervisor()?)?;
        let mut child = self.child.take().context("the gateway does not run")?;
        let status = timeout(hoop_testkit::patience() * 2, child.wait()).await;
        let status = status.with_context(|| self.said_or_empty())??;
        ensure!(status.success(), "{status}; {}", self.said_or_empty());
        let left = living(&self.data);
        ensure!(left.is_empty(), "it left {left:?}");
        Ok(())
    }

    /// SIGKILL of the supervisor alone.
    pub(super) async fn kill(&mut self) -> Result<()> {
        let mut child = self.child.take().context("the gateway does not run")?;
        Ok(child.kill().await?)
    }
}

/// Sends the signal with this name.
pub(super) fn send(signal: &str, pid: u32) -> Result<()> {
    let status = Command::new("kill").args(["-s", signal, &pid.to_string()]).status()?;
    ensure!(status.success(), "there is no process {pid}");
    Ok(())
}

/// Who works in `data` or was told of it: process ids and commands.
pub(super) fn living(data: &Path) -> Vec<(u32, String)> {
    let name = data.display().to_string();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let processes = entries.filter_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let command = fs::read(entry.path().join("cmdline")).ok()?;
        let command = String::from_utf8_lossy(&command).replace('\0', " ");
        let there = fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(data));
        (there || command.contains(&name)).then_some((pid, command))
    });
    processes.collect()
}
