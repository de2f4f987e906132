//! A throw-away MariaDB server: Debian's own, on a free port.
//!
//! `root` logs in from this machine without a password, [`USER`] with [`PASSWORD`].

use std::{
    fs,
    io::Write,
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

use crate::{
    Process,
    account::{Account, run},
    free_port, reaper, tools,
};

/// The user that owns [`DATABASE`].
pub const USER: &str = "app";
/// What they log in with. All that option files give a meaning to is in it.
pub const PASSWORD: &str = r##"s3cret-maria "\'#;=% x"##;
/// A part of it that no way of quoting changes.
pub const PASSWORD_CORE: &str = "s3cret-maria";
/// A database, with nothing in it.
pub const DATABASE: &str = "shop";

/// Distributions keep servers off the `PATH` of people.
const SYSTEM_PROGRAMS: &str = "/usr/sbin";

/// A running server. Dropping it removes everything.
#[derive(Debug)]
pub struct MariaDb {
    port: u16,
    _process: Process,
    _folder: TempDir,
}

/// Starts a server on a free port; it takes some seconds.
///
/// # Errors
/// When MariaDB is not installed or does not start.
pub async fn mariadb() -> Result<MariaDb> {
    let server = tokio::task::spawn_blocking(MariaDb::start).await??;
    let password = PASSWORD.replace('\\', r"\\").replace('\'', r"\'");
    let sql = format!(
        "create database {DATABASE}; \
         create user '{USER}'@'127.0.0.1' identified by '{password}'; \
         grant all on {DATABASE}.* to '{USER}'@'127.0.0.1';"
    );
    server.run(&sql).await?;
    Ok(server)
}

impl MariaDb {
    fn start() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("hoop-mariadb-").tempdir()?;
        reaper::remove(folder.path());
        let account = Account::find("nobody")?;
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
        account.give(folder.path())?;
        let data = format!("--datadir={}", folder.path().join("data").display());
        let mut install = account.command(&tools::program("mariadb-install-db")?, folder.path());
        install.args(["--no-defaults", &data, "--skip-name-resolve", "--skip-test-db"]);
        install.arg("--auth-root-authentication-method=normal");
        // A server that starts removes what it takes for left over by another one.
        install.env("TMPDIR", folder.path());
        run(install, "").context("make MariaDB's own tables")?;

        let port = free_port()?;
        let mut command = account.command(&server_program()?, folder.path());
        command
            .env("TMPDIR", folder.path())
            .args(["--no-defaults", &data, "--skip-name-resolve", "--bind-address=127.0.0.1"])
            // Relative to the data: paths of sockets have to be short.
            .args([&format!("--port={port}"), "--socket=socket", "--pid-file=pid"]);
        let mut process = Process::spawn("mariadb", command, folder.path())?;
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if !process.running() || crate::patience() < started.elapsed() {
                bail!("MariaDB did not start; {}", process.last_words());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(Self { port, _process: process, _folder: folder })
    }

    /// The TCP port on 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Runs `sql` as `root`; what it prints, without headings.
    ///
    /// # Errors
    /// With MariaDB's message.
    pub async fn run(&self, sql: &str) -> Result<String> {
        let mut client = Command::new(tools::program("mariadb")?);
        client
            .args(["--no-defaults", "--protocol=tcp", "--host=127.0.0.1", "--user=root"])
            .args([&format!("--port={}", self.port), "--batch", "--skip-column-names"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let sql = sql.to_owned();
        let output = tokio::task::spawn_blocking(move || {
            let mut child = client.spawn()?;
            if let Some(mut stdin) = child.stdin.take() {
                // Not as an argument: tests look for secrets in those of all processes.
                stdin.write_all(sql.as_bytes())?;
            }
            child.wait_with_output()
        })
        .await?
        .context("run mariadb")?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim_end());
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }
}

fn server_program() -> Result<PathBuf> {
    let there = Path::new(SYSTEM_PROGRAMS).join("mariadbd");
    if there.is_file() { Ok(there) } else { tools::program("mariadbd") }
}
