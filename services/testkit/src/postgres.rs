//! A throw-away PostgreSQL server: Debian's own, on a free port.
//!
//! Anybody on loopback logs in as `postgres` without a password. Roles made with
//! [`Postgres::create_login`] must log in, the way their [`Login`] says.

mod server;
mod shared;

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::{process::Process, reaper};
use server::{Durability, Server};

/// A server to make databases on. Clones share it.
#[derive(Debug, Clone)]
pub struct Postgres {
    port: u16,
    programs: PathBuf,
    folder: PathBuf,
    /// Absent when another process of the same run owns the server.
    owned: Option<Arc<Owned>>,
}

#[derive(Debug)]
struct Owned {
    server: std::sync::Mutex<Server>,
    _throw_away: Option<TempDir>,
}

/// How a role proves who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Login {
    /// SCRAM-SHA-256, PostgreSQL's default.
    Scram,
    /// The old MD5 exchange.
    Md5,
    /// The password as it is.
    Cleartext,
}

impl Login {
    /// The role whose members log in this way; `pg_hba.conf` names it.
    const fn group(self) -> &'static str {
        match self {
            Self::Scram => "login_with_scram",
            Self::Md5 => "login_with_md5",
            Self::Cleartext => "login_in_clear",
        }
    }

    const fn encryption(self) -> &'static str {
        match self {
            Self::Scram | Self::Cleartext => "scram-sha-256",
            Self::Md5 => "md5",
        }
    }
}

/// The server of this test run, started by the first test that asks.
///
/// # Errors
/// When PostgreSQL is not installed or does not start.
pub async fn postgres() -> Result<Postgres> {
    tokio::task::spawn_blocking(shared::find_or_start).await?
}

impl Postgres {
    /// A server that no other test has, to be stopped at will. Dropping the last clone removes it.
    ///
    /// # Errors
    /// When PostgreSQL is not installed or does not start.
    pub async fn alone() -> Result<Self> {
        tokio::task::spawn_blocking(|| {
            let folder = tempfile::Builder::new().prefix("hoop-postgres-").tempdir()?;
            reaper::remove(folder.path());
            let server = Server::start(folder.path(), folder.path(), Durability::None)?;
            Ok(Self::owning(server, Some(folder)))
        })
        .await?
    }

    /// A server that keeps its data in `folder`, which is not removed, and logs to `logs`.
    ///
    /// # Errors
    /// When PostgreSQL is not installed or does not start.
    pub async fn kept_in(folder: &Path, logs: &Path) -> Result<Self> {
        let (folder, logs) = (folder.to_owned(), logs.to_owned());
        tokio::task::spawn_blocking(move || {
            Ok(Self::owning(Server::start(&folder, &logs, Durability::Full)?, None))
        })
        .await?
    }

    fn owning(server: Server, throw_away: Option<TempDir>) -> Self {
        Self {
            port: server.port,
            programs: server.programs.clone(),
            folder: server.folder.clone(),
            owned: Some(Arc::new(Owned {
                server: std::sync::Mutex::new(server),
                _throw_away: throw_away,
            })),
        }
    }

    /// The TCP port on 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The certificate that clients need to verify the server (`localhost` and `127.0.0.1`).
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.folder.join("authority.pem")
    }

    /// How to reach `database` as the superuser.
    #[must_use]
    pub fn uri(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}?sslmode=disable", self.port)
    }

    /// The URI of a fresh, empty database.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn create_database(&self) -> Result<String> {
        self.create_database_from("template0").await
    }

    /// The URI of a fresh copy of the database `template`, see [`Self::template`].
    ///
    /// # Errors
    /// When there is no such template, or somebody is connected to it.
    pub async fn create_database_from(&self, template: &str) -> Result<String> {
        let name = format!("test_{:016x}", crate::unique::number());
        self.run("postgres", &format!("create database {name} template {template}")).await?;
        Ok(self.uri(&name))
    }

    /// Makes the database `name` with `fill` unless this run has it already, to be copied from.
    ///
    /// `fill` gets its URI and must have closed its connections when it returns.
    ///
    /// # Errors
    /// When `fill` fails.
    pub async fn template(
        &self,
        name: &str,
        fill: impl AsyncFnOnce(String) -> Result<()>,
    ) -> Result<()> {
        // Held until the end: another test of the run waits here until the template is whole.
        let path = self.folder.join(format!("{name}.template"));
        let file = tokio::task::spawn_blocking(move || {
            let file = std::fs::File::options().create(true).append(true).open(&path)?;
            file.lock()?;
            anyhow::Ok(file)
        })
        .await??;
        if file.metadata()?.len() == 0 {
            self.run("postgres", &format!("drop database if exists {name}")).await?;
            self.run("postgres", &format!("create database {name}")).await?;
            fill(self.uri(name)).await.with_context(|| format!("fill the template {name}"))?;
            (&file).write_all(b"filled\n")?;
        }
        Ok(())
    }

    /// Makes a role that must log in with `password`.
    ///
    /// # Errors
    /// When the server refuses, such as for a name that exists.
    pub async fn create_login(&self, role: &str, password: &str, login: Login) -> Result<()> {
        let quoted = password.replace('\'', "''");
        let sql = format!(
            "set password_encryption = '{}'; create role {role} login password '{quoted}' in role {}",
            login.encryption(),
            login.group()
        );
        self.run("postgres", &sql).await.map(|_| ())
    }

    /// Runs `sql` as the superuser; what it prints, unaligned and without headings.
    ///
    /// # Errors
    /// With PostgreSQL's message.
    pub async fn run(&self, database: &str, sql: &str) -> Result<String> {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", &self.uri(database)])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let sql = sql.to_owned();
        let output = tokio::task::spawn_blocking(move || {
            let mut child = psql.spawn()?;
            if let Some(mut stdin) = child.stdin.take() {
                stdin.write_all(sql.as_bytes())?;
            }
            child.wait_with_output()
        })
        .await?
        .context("run psql")?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim_end());
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }

    /// Stops a server of one's own at once, cutting its clients. Its data stays.
    ///
    /// # Errors
    /// For the server that is shared by the run.
    pub fn stop(&self) -> Result<()> {
        self.with_server(|server| {
            server.process = None;
            Ok(())
        })
    }

    /// Starts a stopped server of one's own again, on the same port.
    ///
    /// # Errors
    /// For the server that is shared by the run, or when it does not start.
    pub async fn start(&self) -> Result<()> {
        let postgres = self.clone();
        tokio::task::spawn_blocking(move || postgres.with_server(Server::launch)).await?
    }

    /// Its process id, when it is one's own and runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        let server = self.owned.as_ref()?.server.lock().ok()?;
        server.process.as_ref().map(Process::pid)
    }

    fn with_server(&self, change: impl FnOnce(&mut Server) -> Result<()>) -> Result<()> {
        let owned = self.owned.as_ref().context("the shared server can't be stopped or started")?;
        let mut server =
            owned.server.lock().map_err(|_| anyhow::anyhow!("a test panicked with the server"))?;
        change(&mut server)
    }
}

#[cfg(test)]
mod tests;
