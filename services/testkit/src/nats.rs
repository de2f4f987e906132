//! A throw-away `nats-server` with JetStream.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use tempfile::TempDir;

use crate::{Process, free_port, reaper, tools};

/// As the documentation tells operators to run it: besides a power cut losing a second and
/// not two minutes, the broker then forgets and removes what was acknowledged at once.
/// Streams reserve what they may grow to, which is more than a small disk has: it is not used.
const SETTINGS: &str = r#"jetstream { sync_interval: "1s", max_file_store: 100GB }"#;

/// A broker of one's own. Dropping it stops it and removes what it stored.
#[derive(Debug)]
pub struct Nats {
    process: Option<Process>,
    port: u16,
    folder: PathBuf,
    logs: PathBuf,
    _throw_away: Option<TempDir>,
}

/// Starts a throw-away broker on a free port.
///
/// # Errors
/// When `nats-server` is not installed or does not start.
pub async fn nats() -> Result<Nats> {
    tokio::task::spawn_blocking(|| {
        let folder = tempfile::Builder::new().prefix("hoop-nats-").tempdir()?;
        reaper::remove(folder.path());
        let mut nats = Nats::start_in(folder.path(), folder.path())?;
        nats._throw_away = Some(folder);
        Ok(nats)
    })
    .await?
}

impl Nats {
    /// Starts a broker that stores in `folder` and logs to `logs`; neither is removed.
    ///
    /// # Errors
    /// When `nats-server` is not installed or does not start.
    pub fn start_in(folder: &Path, logs: &Path) -> Result<Self> {
        let mut nats = Self {
            process: None,
            port: free_port()?,
            folder: folder.to_owned(),
            logs: logs.to_owned(),
            _throw_away: None,
        };
        nats.launch()?;
        Ok(nats)
    }

    /// Where clients connect to.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Its process id, when it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Process::pid)
    }

    /// SIGKILL. What it had not stored is lost, as in a crash.
    ///
    /// # Errors
    /// When it can't be waited for.
    pub fn kill(&mut self) -> Result<()> {
        if let Some(mut process) = self.process.take() {
            process.kill()?;
        }
        Ok(())
    }

    /// Starts it again (after a [`Self::kill`] if it ran) on the same port with what it had stored.
    ///
    /// # Errors
    /// When it does not come back.
    pub async fn restart(&mut self) -> Result<()> {
        self.kill()?;
        crate::eventually("nats-server to start again", async || self.launch()).await
    }

    fn launch(&mut self) -> Result<()> {
        let ports = self.folder.join("ports");
        std::fs::create_dir_all(&ports)?;
        let settings = self.folder.join("nats.conf");
        std::fs::write(&settings, SETTINGS)?;
        let mut command = Command::new(tools::program("nats-server")?);
        command
            .arg("--config")
            .arg(&settings)
            .args(["--addr", "127.0.0.1", "--port", &self.port.to_string(), "--jetstream"])
            .arg("--store_dir")
            .arg(self.folder.join("store"))
            .arg("--ports_file_dir")
            .arg(&ports)
            // Its collector lets garbage grow with what passes; this is what it needs.
            .env("GOMEMLIMIT", "96MiB");
        let mut process = Process::spawn("nats", command, &self.logs)?;
        // It writes this file when it listens, with its process id in the name.
        let file = ports.join(format!("nats-server_{}.ports", process.pid()));
        wait_for(&mut process, &file)?;
        self.process = Some(process);
        Ok(())
    }
}

fn wait_for(process: &mut Process, file: &Path) -> Result<()> {
    let started = Instant::now();
    while !file.exists() {
        if !process.running() || crate::patience() < started.elapsed() {
            bail!("nats-server did not start; {}", process.last_words());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    fn reachable(nats: &Nats) -> bool {
        TcpStream::connect(("127.0.0.1", nats.port)).is_ok()
    }

    #[tokio::test]
    async fn a_killed_broker_comes_back_on_its_port_and_goes_when_dropped() {
        let mut nats = nats().await.unwrap();
        let url = nats.url();
        let folder = nats.folder.clone();
        assert!(reachable(&nats));
        nats.kill().unwrap();
        assert!(!reachable(&nats));
        nats.restart().await.unwrap();
        assert!(reachable(&nats));
        assert_eq!(nats.url(), url);
        drop(nats);
        assert!(!folder.exists());
    }
}
