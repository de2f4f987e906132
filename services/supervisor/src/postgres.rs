//! The private PostgreSQL: made on the first run, reached on loopback with a password.

use std::{
    fs,
    io::ErrorKind,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use hoop_runtime::Env;
use rustix::process::Signal;
use tokio::io::AsyncWriteExt;

use crate::{
    Error,
    account::Account,
    child::{Environment, Ready, Spec, command},
    data::Data,
    kept::Kept,
    port, programs,
    roster::Roster,
    say::say,
};

/// Who may come in: the gateway's role from this machine, and the superuser as the account
/// that the server runs as.
const ACCESS: &str = "\
local all postgres peer
local hoop hoop scram-sha-256
host hoop hoop 127.0.0.1/32 scram-sha-256
";

/// The longest path of a socket that systems accept, less the socket's own name.
const SOCKET_PATH: usize = 80;

/// A PostgreSQL of our own.
#[derive(Debug)]
pub(crate) struct Postgres {
    programs: PathBuf,
    /// Has the data and the socket.
    folder: PathBuf,
    account: Option<Account>,
    port: u16,
}

impl Postgres {
    /// Finds what it needs; nothing is started.
    pub(crate) fn find(data: &Data, env: &Env) -> Result<Self, Error> {
        let folder = data.join("postgres");
        let version = fs::read_to_string(folder.join("data/PG_VERSION")).ok();
        let version = version.and_then(|version| version.trim().parse().ok());
        let programs = programs::postgres(env, version)?;
        let account = Account::needed()?;
        make_folder(&folder)?;
        if let Some(account) = account {
            data.let_through()?;
            account.may_enter(&folder)?;
            account.give(&folder)?;
        }
        Ok(Self { programs, folder, account, port: port::free("PostgreSQL")? })
    }

    /// Where the gateway's processes find it.
    pub(crate) fn uri(&self, kept: &Kept) -> String {
        format!("postgres://hoop:{}@127.0.0.1:{}/hoop", kept.postgres.reveal(), self.port)
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Makes the database on the first run: aside, so that a first run that was killed in
    /// the middle leaves nothing that looks finished.
    pub(crate) async fn prepare(&self, kept: &Kept, roster: &Roster) -> Result<(), Error> {
        if self.data().exists() {
            return Ok(());
        }
        say("making a database; this is done once");
        let fresh = self.folder.join("data.new");
        match fs::remove_dir_all(&fresh) {
            Err(source) if source.kind() != ErrorKind::NotFound => {
                return Err(Error::File { path: fresh, source });
            }
            _ => {}
        }
        let initdb = ["--username=postgres", "--auth=reject", "--no-instructions", "--locale=C"];
        let more = ["--encoding=UTF8", "--data-checksums", "--pgdata"];
        self.run("initdb", &[&initdb[..], &more[..]].concat(), &fresh, "", roster).await?;
        let access = fresh.join("pg_hba.conf");
        fs::write(&access, ACCESS).map_err(|source| Error::File { path: access, source })?;
        let password = kept.postgres.reveal();
        // Single-user mode takes one statement a line.
        let statements = format!(
            "create role hoop login password '{password}';\ncreate database hoop owner hoop;\n"
        );
        self.run("postgres", &["--single", "-D"], &fresh, &statements, roster).await?;
        let data = self.data();
        fs::rename(&fresh, &data).map_err(|source| Error::File { path: data, source })
    }

    /// Runs a program on a data folder to its end.
    async fn run(
        &self,
        program: &'static str,
        arguments: &[&str],
        data: &Path,
        input: &str,
        roster: &Roster,
    ) -> Result<(), Error> {
        let failed = |said: String| Error::Failed { program: program.to_owned(), said };
        let mut command = command(&self.programs.join(program), &self.folder, self.account);
        Environment::basic().apply(&mut command);
        command.args(arguments).arg(data);
        if program == "postgres" {
            command.arg("postgres");
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
        roster.add(program, child.id().unwrap_or_default(), Signal::TERM);
        if let Some(mut stdin) = child.stdin.take() {
            // A program that does not read its input says why.
            let _unread = stdin.write_all(input.as_bytes()).await;
        }
        let output = child.wait_with_output().await;
        roster.remove(program);
        let output = output.map_err(|error| failed(error.to_string()))?;
        let said = String::from_utf8_lossy(&output.stderr);
        // Single-user mode goes on after an error.
        if output.status.success() && !said.contains("ERROR:") {
            return Ok(());
        }
        Err(failed(said.trim().to_owned()))
    }

    /// How it is run.
    pub(crate) fn spec(&self) -> Spec {
        // None where there can't be one: its path is too long, or reads as a list.
        let folder = self.folder.display().to_string();
        let possible = folder.len() <= SOCKET_PATH && !folder.contains([',', '"']);
        let socket = if possible { folder } else { String::new() };
        let settings = [
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={}", self.port),
            format!("unix_socket_directories={socket}"),
            "unix_socket_permissions=0700".to_owned(),
            // Each process has at most 16.
            "max_connections=100".to_owned(),
            "shared_buffers=64MB".to_owned(),
        ];
        let mut arguments = vec!["-D".into(), self.data().into()];
        arguments.extend(settings.into_iter().flat_map(|each| ["-c".into(), each.into()]));
        Spec {
            name: "postgres",
            program: self.programs.join("postgres"),
            arguments,
            environment: Environment::basic(),
            folder: self.folder.clone(),
            account: self.account,
            ready: Ready::Postmaster(self.data().join("postmaster.pid")),
            // A fast shutdown: clients are cut off, data is written.
            stop: Signal::INT,
            // An immediate one: its own children go, too.
            now: Signal::QUIT,
            patience: Duration::from_secs(30),
        }
    }
}

fn make_folder(folder: &Path) -> Result<(), Error> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|source| Error::File { path: folder.into(), source })
}
