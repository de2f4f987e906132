//! A throw-away nginx: Debian's own, with a configuration of the test's, as one who is no root.

use std::{
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::{Process, reaper, tools};

/// Distributions keep servers off the `PATH` of people.
const SYSTEM_PROGRAMS: &str = "/usr/sbin";

/// A running nginx. Dropping it removes everything.
#[derive(Debug)]
pub struct Nginx {
    process: Process,
    folder: TempDir,
}

/// Starts nginx with `sites` in its `http` block, and waits until it listens on all of `ports`.
///
/// # Errors
/// When it is not installed, or what it says about its configuration.
pub async fn nginx(sites: String, ports: Vec<u16>) -> Result<Nginx> {
    tokio::task::spawn_blocking(move || Nginx::start(&sites, &ports)).await?
}

impl Nginx {
    fn start(sites: &str, ports: &[u16]) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("hoop-nginx-").tempdir()?;
        reaper::remove(folder.path());
        let path = folder.path();
        let main = path.join("nginx.conf");
        fs::write(path.join("sites.conf"), sites)?;
        fs::write(&main, main_configuration(path)).context("write nginx.conf")?;
        let mut command = Command::new(program()?);
        command.arg("-p").arg(path).arg("-c").arg(&main);
        // Until it has read where to log to.
        command.arg("-e").arg(path.join("error.log"));
        let mut process = Process::spawn("nginx", command, path)?;
        let started = Instant::now();
        while !ports.iter().all(|port| TcpStream::connect(("127.0.0.1", *port)).is_ok()) {
            if !process.running() || crate::patience() < started.elapsed() {
                let said = fs::read_to_string(path.join("error.log")).unwrap_or_default();
                bail!("nginx did not start: {said}; {}", process.last_words());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(Self { process, folder })
    }

    /// What it has complained about.
    #[must_use]
    pub fn complaints(&self) -> String {
        fs::read_to_string(self.folder.path().join("error.log")).unwrap_or_default()
    }

    /// One line for each request that is over: method, path and status.
    #[must_use]
    pub fn requests(&self) -> String {
        fs::read_to_string(self.folder.path().join("access.log")).unwrap_or_default()
    }

    /// SIGKILL: its ports are free again.
    ///
    /// # Errors
    /// When it can't be waited for.
    pub fn kill(&mut self) -> Result<()> {
        self.process.kill().map(drop)
    }
}

/// What Debian's own main configuration says elsewhere; everything is in the folder.
fn main_configuration(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "daemon off;\nmaster_process off;\npid {folder}/nginx.pid;\n\
         error_log {folder}/error.log info;\nevents {{ worker_connections 1024; }}\n\
         http {{\n  log_format short '$request_method $uri $status';\n  \
         access_log {folder}/access.log short;\n  \
         client_body_temp_path {folder}/body;\n  proxy_temp_path {folder}/proxy;\n  \
         fastcgi_temp_path {folder}/fastcgi;\n  uwsgi_temp_path {folder}/uwsgi;\n  \
         scgi_temp_path {folder}/scgi;\n  include {folder}/sites.conf;\n}}\n"
    )
}

fn program() -> Result<PathBuf> {
    let there = Path::new(SYSTEM_PROGRAMS).join("nginx");
    if there.is_file() { Ok(there) } else { tools::program("nginx") }
}
