//! One server per test run, whichever test asks first.
//!
//! `cargo nextest` runs every test in a process of its own. They find the run's server through
//! a folder that is named after the run; a small shell stops the server when the runner is gone.

use std::{
    env,
    fs::{self, File},
    os::unix::process::{CommandExt, parent_id},
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
};

use anyhow::{Context, Result};

use super::{Durability, Postgres, Server};
use crate::tools;

/// Waits for the runner (`$1`) to end, then stops the server (`$2`) and removes its folder (`$3`).
const KEEPER: &str = r#"
trap '' INT TERM HUP QUIT
alive() { read -r _ _ state _ <"/proc/$1/stat" && [ "$state" != Z ]; }
while alive "$1"; do sleep 0.3; done
kill -s QUIT "$2"
tries=50
while alive "$2" && [ $tries -gt 0 ]; do sleep 0.1; tries=$((tries - 1)); done
rm -rf "$3"
"#;

pub(super) fn find_or_start() -> Result<Postgres> {
    let (runner, run) = runner();
    let folder = env::temp_dir().join(format!("hoop-postgres-of-{run}"));
    fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
    // Freed by the kernel when this process dies, so that a killed test blocks nobody.
    let lock = File::create(folder.join("lock"))?;
    lock.lock().context("lock the run's PostgreSQL folder")?;
    let port = folder.join("port");
    if let Some(port) = fs::read_to_string(&port).ok().and_then(|text| text.parse().ok()) {
        return Ok(Postgres { port, programs: tools::postgres_programs()?, folder, owned: None });
    }
    let server = start(&folder, runner)?;
    fs::write(&port, server.port.to_string())?;
    Ok(server)
}

/// The process that the server must not outlive, and a name for the run.
fn runner() -> (u32, String) {
    match env::var_os("NEXTEST_RUN_ID").and_then(|run| run.into_string().ok()) {
        Some(run) => (parent_id(), run),
        None => (process::id(), process::id().to_string()),
    }
}

fn start(folder: &Path, runner: u32) -> Result<Postgres> {
    let mut server = Server::start(folder, folder, Durability::None)?;
    let process = server.process.take().context("the server was not started")?;
    Command::new("sh")
        .args(["-c", KEEPER, "keeper"])
        .args([runner.to_string(), process.pid().to_string()])
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .current_dir("/")
        .process_group(0)
        .spawn()
        .context("start the shell that stops the server")?;
    process.leave_running();
    let programs: PathBuf = server.programs.clone();
    Ok(Postgres { port: server.port, programs, folder: folder.to_owned(), owned: None })
}
