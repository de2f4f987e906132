//! Packages of the distribution.

use std::{path::Path, process::Command};

use anyhow::{Result, bail};

use crate::shell::{has, output, run, step};

/// PostgreSQL's server and clients.
pub(super) fn postgres() -> Result<()> {
    let server = has("initdb") || debian_server();
    if server && has("psql") && has("pgbench") {
        return Ok(());
    }
    packages(&["postgresql", "postgresql-client"])
}

/// MariaDB's server and client, without the service that the whole package starts.
pub(super) fn mariadb() -> Result<()> {
    let server = has("mariadbd") || Path::new("/usr/sbin/mariadbd").is_file();
    if server && has("mariadb-install-db") && has("mariadb") {
        return Ok(());
    }
    packages(&["mariadb-server-core", "mariadb-client-core"])
}

/// nginx, whose package also starts its service where the system starts services at all.
pub(super) fn nginx() -> Result<()> {
    if has("nginx") || Path::new("/usr/sbin/nginx").is_file() {
        return Ok(());
    }
    packages(&["nginx"])
}

/// Debian keeps the server's programs off `PATH`, one folder per version.
fn debian_server() -> bool {
    Path::new("/usr/lib/postgresql")
        .read_dir()
        .into_iter()
        .flatten()
        .flatten()
        .any(|version| version.path().join("bin/initdb").is_file())
}

/// Installs packages, as root or with sudo.
pub(super) fn packages(names: &[&str]) -> Result<()> {
    let list = names.join(" ");
    if !has("apt-get") {
        bail!("{list}: not installed, and there is no apt-get here; install it by hand");
    }
    let root = output(Command::new("id").arg("-u"))?.trim() == "0";
    if !root && !has("sudo") {
        bail!("{list}: not installed; run as root: apt-get install {list}");
    }
    let apt = |arguments: &[&str]| {
        let mut command = Command::new(if root { "env" } else { "sudo" });
        command
            .args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y"])
            .args(["-o", "Dpkg::Use-Pty=0"])
            .args(arguments);
        run(&mut command)
    };
    step(&format!("installing {list} (apt-get)"), || {
        apt(&["update"])?;
        apt(&["install", "--no-install-recommends"]
            .iter()
            .chain(names)
            .copied()
            .collect::<Vec<_>>())
    })
}
