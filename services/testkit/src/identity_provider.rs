//! A real identity provider, oidc-provider, at which whoever comes is signed in at once.

use std::{fs, os::unix::fs::symlink, process::Command, time::Instant};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{Process, free_port, reaper, tools};

const SERVER: &str = include_str!("../../../tests/clients/node/provider.mjs");

/// What it calls the gateway.
pub const CLIENT_ID: &str = "hoop";
/// What proves to it that it is the gateway.
pub const CLIENT_SECRET: &str = "a secret of the tests: 0123456789";

/// A running identity provider. Dropping it ends it.
#[derive(Debug)]
pub struct IdentityProvider {
    port: u16,
    folder: TempDir,
    redirect_uri: String,
    process: Option<Process>,
}

/// Starts an identity provider on a free port, which sends people to `redirect_uri`.
///
/// # Errors
/// When oidc-provider is not installed or does not start.
pub async fn identity_provider(redirect_uri: String) -> Result<IdentityProvider> {
    tokio::task::spawn_blocking(move || {
        let modules = tools::folder().context("no folder of tools")?.join("node/node_modules");
        ensure!(
            modules.join("oidc-provider").is_dir(),
            "oidc-provider is not installed; run `cargo xtask install`"
        );
        let folder = tempfile::Builder::new().prefix("hoop-idp-").tempdir()?;
        reaper::remove(folder.path());
        symlink(modules, folder.path().join("node_modules"))?;
        fs::write(folder.path().join("provider.mjs"), SERVER)?;
        let port = free_port()?;
        let mut provider = IdentityProvider { port, folder, redirect_uri, process: None };
        provider.start()?;
        Ok(provider)
    })
    .await?
}

impl IdentityProvider {
    /// What it calls itself.
    #[must_use]
    pub fn issuer(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Starts it on the port that it always has, with other keys and knowing nobody.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(&mut self) -> Result<()> {
        let mut command = Command::new("node");
        command
            .arg(self.folder.path().join("provider.mjs"))
            .env("E2E_PORT", self.port.to_string())
            .env("E2E_REDIRECT_URI", &self.redirect_uri);
        let mut process = Process::spawn("idp", command, self.folder.path())?;
        let (output, started) = (self.folder.path().join("idp.out"), Instant::now());
        while !fs::read_to_string(&output)?.contains("listening") {
            if !process.running() || crate::patience() < started.elapsed() {
                bail!("the identity provider did not start; {}", process.last_words());
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        self.process = Some(process);
        Ok(())
    }

    /// SIGKILL: nobody answers.
    ///
    /// # Errors
    /// When it can't be waited for.
    pub fn kill(&mut self) -> Result<()> {
        if let Some(mut process) = self.process.take() {
            process.kill()?;
        }
        Ok(())
    }

    /// Changes what it says from now on; `wish` is JSON that `provider.mjs` explains.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn control(&self, wish: &str) -> Result<()> {
        let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await?;
        let length = wish.len();
        let request = format!(
            "POST /control HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\
             content-length: {length}\r\n\r\n{wish}"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        ensure!(answer.starts_with("HTTP/1.1 200"), "the identity provider says: {answer}");
        Ok(())
    }
}
