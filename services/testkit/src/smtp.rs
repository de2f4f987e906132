//! A real mail server (`aiosmtpd`), with TLS and a login, that keeps what it gets.

use std::{fs, process::Command};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{Process, certificate, reaper, tools};

/// What `cargo xtask install` puts into the folder `smtp` of the tools.
pub const REQUIREMENTS: &str = include_str!("smtp/requirements.txt");
const SERVER: &str = include_str!("smtp/server.py");

/// The one user of a server with TLS.
pub const USER: &str = "hoop";
/// Their password.
pub const PASSWORD: &str = "correct horse";

/// How a server wants to be spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// In plain text, without a login.
    Off,
    /// With STARTTLS and a login.
    StartTls,
    /// TLS from the first byte, and a login.
    Implicit,
}

/// A running mail server. Dropping it ends it and removes its mail.
#[derive(Debug)]
pub struct Smtp {
    port: u16,
    files: certificate::Files,
    folder: TempDir,
    _process: Process,
}

/// Starts a mail server on a free port. It takes mail for anybody but `nobody@…`.
///
/// # Errors
/// When `aiosmtpd` is not installed or does not start.
pub async fn smtp(tls: Tls) -> Result<Smtp> {
    tokio::task::spawn_blocking(move || Smtp::start(tls)).await?
}

impl Smtp {
    fn start(tls: Tls) -> Result<Self> {
        let packages = tools::folder().context("no folder of tools")?.join("smtp");
        ensure!(packages.is_dir(), "aiosmtpd is not installed; run `cargo xtask install`");
        let folder = tempfile::Builder::new().prefix("hoop-smtp-").tempdir()?;
        reaper::remove(folder.path());
        let files = certificate::create(folder.path())?;
        let script = folder.path().join("server.py");
        fs::write(&script, SERVER)?;
        let mail = folder.path().join("mail");
        fs::create_dir(&mail)?;
        let word = match tls {
            Tls::Off => "off",
            Tls::StartTls => "starttls",
            Tls::Implicit => "implicit",
        };
        let settings = json!({
            "tls": word,
            "folder": mail,
            "certificate": files.certificate,
            "key": files.key,
        });
        let mut command = Command::new("python3");
        command.arg(&script).arg(settings.to_string()).env("PYTHONPATH", packages);
        let mut process = Process::spawn("smtp", command, folder.path())?;
        let port = process.wait_until_ready(|printed| {
            printed.strip_prefix("PORT ")?.lines().next()?.trim().parse().ok()
        })?;
        Ok(Self { port, files, folder, _process: process })
    }

    /// Where it listens, on 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The certificate of the authority that signed its own, in PEM.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn authority(&self) -> Result<String> {
        Ok(fs::read_to_string(&self.files.authority)?)
    }

    /// What it got so far: `from`, `to`, `tls`, `user` and the mail as `data`.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn mail(&self) -> Result<Vec<Value>> {
        let mut mail = Vec::new();
        for entry in self.folder.path().join("mail").read_dir()? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                mail.push(serde_json::from_slice(&fs::read(path)?)?);
            }
        }
        Ok(mail)
    }
}
