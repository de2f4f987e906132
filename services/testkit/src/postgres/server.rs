//! Making and starting one PostgreSQL server.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::{
    Process,
    account::{Account, run},
    certificate, free_port,
    reaper::Signal,
    tools,
};

/// What `pg_hba.conf` says, see the roles in [`super::Login`].
const ACCESS: &str = "\
local all all trust
host all +login_with_scram 127.0.0.1/32 scram-sha-256
host all +login_with_md5 127.0.0.1/32 md5
host all +login_in_clear 127.0.0.1/32 password
host all all 127.0.0.1/32 trust
";

/// Roles to be members of. Run once, in single-user mode, right after `initdb`.
const ROLES: &str = "create role login_with_scram;\n\
                     create role login_with_md5;\n\
                     create role login_in_clear;\n";

/// Whether data survives a power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Durability {
    None,
    Full,
}

#[derive(Debug)]
pub(super) struct Server {
    pub(super) port: u16,
    pub(super) programs: PathBuf,
    /// Holds the data, the certificates and the socket.
    pub(super) folder: PathBuf,
    pub(super) process: Option<Process>,
    logs: PathBuf,
    durability: Durability,
    account: Account,
}

impl Server {
    /// Starts a server with its data in `folder`, made when it is not there yet.
    pub(super) fn start(folder: &Path, logs: &Path, durability: Durability) -> Result<Self> {
        let mut server = Self {
            port: free_port()?,
            programs: tools::postgres_programs()?,
            folder: folder.to_owned(),
            process: None,
            logs: logs.to_owned(),
            durability,
            account: Account::find("postgres")?,
        };
        server.prepare().context("make a PostgreSQL database cluster")?;
        server.launch()?;
        Ok(server)
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn prepare(&self) -> Result<()> {
        fs::create_dir_all(&self.folder)?;
        fs::set_permissions(&self.folder, fs::Permissions::from_mode(0o755))?;
        self.account.give(&self.folder)?;
        if self.data().join("PG_VERSION").exists() {
            return Ok(());
        }
        let files = certificate::create(&self.folder)?;
        for file in [&files.authority, &files.certificate, &files.key] {
            self.account.give(file)?;
        }
        fs::set_permissions(&files.key, fs::Permissions::from_mode(0o600))?;
        let mut initdb = self.command("initdb");
        initdb
            .args(["--username=postgres", "--auth=trust", "--no-sync", "--no-instructions"])
            .args(["--encoding=UTF8", "--locale=C.UTF-8", "--pgdata"])
            .arg(self.data());
        run(initdb, "")?;
        fs::write(self.data().join("pg_hba.conf"), ACCESS)?;
        let mut single = self.command("postgres");
        single.args(["--single", "-D"]).arg(self.data()).arg("postgres");
        run(single, ROLES)
    }

    /// Starts the server on its port and waits until it accepts connections.
    pub(super) fn launch(&mut self) -> Result<()> {
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.data());
        for setting in self.settings() {
            command.args(["-c", &setting]);
        }
        let mut process = Process::spawn("postgres", command, &self.logs)?.ended_by(Signal::Quit);
        let started = Instant::now();
        while !self.accepts() {
            if !process.running() || crate::patience() < started.elapsed() {
                bail!("PostgreSQL did not start; {}", process.last_words());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.process = Some(process);
        Ok(())
    }

    fn settings(&self) -> Vec<String> {
        let mut settings = vec![
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={}", self.port),
            format!("unix_socket_directories={}", self.folder.display()),
            "ssl=on".to_owned(),
            format!("ssl_cert_file={}", self.folder.join("server.pem").display()),
            format!("ssl_key_file={}", self.folder.join("server.key").display()),
            // 200 sessions at once, beside the pools of other tests.
            "max_connections=500".to_owned(),
            "shared_buffers=128MB".to_owned(),
        ];
        if self.durability == Durability::None {
            settings.extend(
                ["fsync=off", "synchronous_commit=off", "full_page_writes=off"].map(str::to_owned),
            );
        }
        settings
    }

    fn accepts(&self) -> bool {
        Command::new(self.programs.join("pg_isready"))
            .args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()])
            .status()
            .is_ok_and(|status| status.success())
    }

    /// One of PostgreSQL's programs, run as an account that it accepts.
    fn command(&self, program: &str) -> Command {
        self.account.command(&self.programs.join(program), &self.folder)
    }
}
