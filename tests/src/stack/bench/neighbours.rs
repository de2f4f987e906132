//! What others use instead, for comparison: `ssh -L` and PgBouncer, when they are installed.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use hoop_testkit::{Process, eventually, free_port};
use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::{Access, Gateway, Target};

/// A neighbour that runs. Dropping it ends it.
pub(super) struct Neighbour {
    pub(super) access: Access,
    _processes: Vec<Process>,
    _folder: TempDir,
}

/// A program that Debian puts where only root looks.
fn program(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from("/usr/sbin").join(name);
    path.is_file().then_some(path)
}

/// PgBouncer in session mode, logged in as the gateway's agent is.
pub(super) async fn pgbouncer(gateway: &Gateway) -> Result<Option<Neighbour>> {
    let Some(program) = program("pgbouncer") else { return Ok(None) };
    let folder = tempfile::tempdir()?;
    let (port, target) = (free_port()?, gateway.target.direct());
    let users = folder.path().join("users.txt");
    fs::write(&users, format!("\"{}\" \"{}\"\n", target.username, Target::PASSWORD))?;
    let settings = folder.path().join("pgbouncer.ini");
    fs::write(
        &settings,
        format!(
            "[databases]\n{0} = host=127.0.0.1 port={1} dbname={0}\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = scram-sha-256\nauth_file = {2}\npool_mode = session\n\
             default_pool_size = 100\nignore_startup_parameters = extra_float_digits\n",
            target.database,
            target.port,
            users.display()
        ),
    )?;
    let mut command = not_as_root(&program, &[folder.path(), &users, &settings])?;
    command.arg(&settings);
    let process = Process::spawn("pgbouncer", command, folder.path())?;
    reachable(port, &process).await?;
    let access = target.by_port(port);
    Ok(Some(Neighbour { access, _processes: vec![process], _folder: folder }))
}

/// The program, run by nobody in particular: it refuses to be root.
fn not_as_root(program: &Path, files: &[&Path]) -> Result<Command> {
    let id = |arguments: &[&str]| -> Result<u32> {
        let output = Command::new("id").args(arguments).output()?;
        ensure!(output.status.success(), "id {}: no such account", arguments.join(" "));
        Ok(String::from_utf8_lossy(&output.stdout).trim().parse()?)
    };
    if id(&["-u"])? != 0 {
        return Ok(Command::new(program));
    }
    let (user, group) = (id(&["-u", "postgres"])?, id(&["-g", "postgres"])?);
    for file in files {
        chown(file, Some(user), Some(group))?;
    }
    let mut command = Command::new("setpriv");
    command.args([format!("--reuid={user}"), format!("--regid={group}")]);
    command.args(["--clear-groups", "--"]).arg(program);
    Ok(command)
}

/// A forwarded port of OpenSSH.
pub(super) async fn ssh(gateway: &Gateway) -> Result<Option<Neighbour>> {
    let Some(program) = program("sshd") else { return Ok(None) };
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name);
    for key in ["host", "user"] {
        let mut keygen = Command::new("ssh-keygen");
        keygen.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path(key));
        ensure!(keygen.status()?.success(), "ssh-keygen failed");
    }
    fs::copy(path("user.pub"), path("authorized"))?;
    fs::set_permissions(path("user"), fs::Permissions::from_mode(0o600))?;
    let (server_port, port, target) = (free_port()?, free_port()?, gateway.target.direct());
    fs::write(
        path("sshd_config"),
        format!(
            "Port {server_port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\n\
             PidFile none\nUsePAM no\nStrictModes no\nPermitRootLogin prohibit-password\n",
            path("host").display(),
            path("authorized").display()
        ),
    )?;
    // Its own folder for separated privileges, which only a service manager makes.
    fs::create_dir_all("/run/sshd").context("make /run/sshd")?;
    let mut server = Command::new(program);
    server.args(["-D", "-e", "-f"]).arg(path("sshd_config"));
    let server = Process::spawn("sshd", server, folder.path())?;
    reachable(server_port, &server).await?;
    let mut client = Command::new("ssh");
    client
        .args(["-N", "-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "BatchMode=yes"])
        .args(["-o", "UserKnownHostsFile=/dev/null", "-o", "ExitOnForwardFailure=yes"])
        .args(["-p", &server_port.to_string(), "-L"])
        .arg(format!("127.0.0.1:{port}:127.0.0.1:{}", target.port))
        .arg("-i")
        .arg(path("user"))
        .arg("127.0.0.1");
    let client = Process::spawn("ssh", client, folder.path())?;
    reachable(port, &client).await?;
    let access = target.by_port(port);
    Ok(Some(Neighbour { access, _processes: vec![client, server], _folder: folder }))
}

async fn reachable(port: u16, process: &Process) -> Result<()> {
    let reached = eventually("the port", async || {
        Ok(TcpStream::connect(("127.0.0.1", port)).await.map(drop)?)
    });
    reached.await.with_context(|| process.last_words())
}
