//! Real clients: `psql` and its kin, told where to connect.

use std::process::{Output, Stdio};

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

/// Where and as whom to connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// A host name or address.
    pub host: String,
    /// A TCP port.
    pub port: u16,
    /// A credential's user name, or a role.
    pub username: String,
    /// Its password.
    pub password: String,
    /// A connection's name, or a database.
    pub database: String,
}

impl Access {
    /// As a URI.
    #[must_use]
    pub fn uri(&self) -> String {
        let Self { host, port, username, password, database } = self;
        format!("postgres://{username}:{password}@{host}:{port}/{database}")
    }

    /// The same by way of another port of this machine.
    #[must_use]
    pub fn by_port(&self, port: u16) -> Self {
        Self { host: "127.0.0.1".to_owned(), port, ..self.clone() }
    }

    /// The same for another database.
    #[must_use]
    pub fn to_database(&self, database: &str) -> Self {
        Self { database: database.to_owned(), ..self.clone() }
    }

    /// A program of PostgreSQL's that finds its way through the environment.
    #[must_use]
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env("PGHOST", &self.host)
            .env("PGPORT", self.port.to_string())
            .env("PGUSER", &self.username)
            .env("PGPASSWORD", &self.password)
            .env("PGDATABASE", &self.database)
            .env("PGCONNECT_TIMEOUT", "30")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// `psql` that reads no personal settings.
    #[must_use]
    pub fn psql(&self) -> Command {
        let mut command = self.command("psql");
        command.args(["-X", "-v", "ON_ERROR_STOP=1"]);
        command
    }

    /// Runs `sql` with a `psql` of its own.
    ///
    /// # Errors
    /// When `psql` can't be run; what it says is in the answer.
    pub async fn query(&self, sql: &str) -> Result<Psql> {
        let output = self.psql().args(["-At", "-c", sql]).output().await.context("run psql")?;
        Ok(Psql(output))
    }

    /// Runs `sql` and returns what it printed, unaligned and without headings.
    ///
    /// # Errors
    /// With what `psql` said, when it failed.
    pub async fn answer(&self, sql: &str) -> Result<String> {
        self.query(sql).await?.success()
    }
}

/// What a client said before it ended.
#[derive(Debug)]
pub struct Psql(pub Output);

impl Psql {
    /// What it printed, when it succeeded.
    ///
    /// # Errors
    /// With what it complained about, when not.
    pub fn success(&self) -> Result<String> {
        ensure!(self.0.status.success(), "{} ({})", self.complaint(), self.0.status);
        Ok(String::from_utf8_lossy(&self.0.stdout).trim_end().to_owned())
    }

    /// What it wrote to standard error.
    #[must_use]
    pub fn complaint(&self) -> String {
        String::from_utf8_lossy(&self.0.stderr).trim_end().to_owned()
    }

    /// What it complained about, when it failed.
    ///
    /// # Errors
    /// With what it printed, when it succeeded.
    pub fn failure(&self) -> Result<String> {
        ensure!(
            !self.0.status.success(),
            "it succeeded and printed {:?}",
            String::from_utf8_lossy(&self.0.stdout)
        );
        Ok(self.complaint())
    }
}
