//! Real identity providers, oidc-provider and samlp, at which whoever comes is signed in at once.

use std::{fs, os::unix::fs::symlink, path::Path, process::Command, time::Instant};

use anyhow::{Context, Result, bail, ensure};
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{Process, free_port, reaper, tools};

/// What it calls a program that has a secret of its own.
pub const ROBOT: &str = "robot";
/// That secret.
pub const ROBOT_SECRET: &str = "another secret of the tests 0123";
/// What it calls the gateway.
pub const CLIENT_ID: &str = "hoop";
/// What proves to it that it is the gateway.
pub const CLIENT_SECRET: &str = "a secret of the tests: 0123456789";

/// A kind of provider.
#[derive(Debug)]
struct Kind {
    package: &'static str,
    script: &'static str,
    /// The variable with where it is to send people back to.
    back_to: &'static str,
}

const OIDC: Kind = Kind {
    package: "oidc-provider",
    script: include_str!("../../../tests/clients/node/provider.mjs"),
    back_to: "E2E_REDIRECT_URI",
};

const SAML: Kind = Kind {
    package: "samlp",
    script: include_str!("../../../tests/clients/node/saml.mjs"),
    back_to: "E2E_CALLBACK",
};

/// A running identity provider. Dropping it ends it.
#[derive(Debug)]
pub struct IdentityProvider {
    kind: &'static Kind,
    port: u16,
    folder: TempDir,
    back_to: String,
    process: Option<Process>,
}

/// Starts an OpenID provider on a free port, which sends people to `redirect_uri`.
///
/// # Errors
/// When oidc-provider is not installed or does not start.
pub async fn identity_provider(redirect_uri: String) -> Result<IdentityProvider> {
    tokio::task::spawn_blocking(move || begin(&OIDC, redirect_uri)).await?
}

/// Starts a SAML provider on a free port, whose answers are for `callback`.
///
/// # Errors
/// When samlp is not installed or does not start.
pub async fn saml_provider(callback: String) -> Result<IdentityProvider> {
    tokio::task::spawn_blocking(move || begin(&SAML, callback)).await?
}

fn begin(kind: &'static Kind, back_to: String) -> Result<IdentityProvider> {
    let modules = tools::folder().context("no folder of tools")?.join("node/node_modules");
    let package = kind.package;
    ensure!(
        modules.join(package).is_dir(),
        "{package} is not installed; run `cargo xtask install`"
    );
    let folder = tempfile::Builder::new().prefix("hoop-idp-").tempdir()?;
    reaper::remove(folder.path());
    symlink(modules, folder.path().join("node_modules"))?;
    fs::write(folder.path().join("provider.mjs"), kind.script)?;
    if package == SAML.package {
        for number in 0..2 {
            key_pair(folder.path(), number)?;
        }
    }
    let port = free_port()?;
    let mut provider = IdentityProvider { kind, port, folder, back_to, process: None };
    provider.start()?;
    Ok(provider)
}

/// A key and its certificate, which providers of SAML have in files.
fn key_pair(folder: &Path, number: usize) -> Result<()> {
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?;
    let certificate = CertificateParams::new(Vec::new())?.self_signed(&key)?;
    fs::write(folder.join(format!("idp-{number}.key")), key.serialize_pem())?;
    fs::write(folder.join(format!("idp-{number}.pem")), certificate.pem())?;
    Ok(())
}

impl IdentityProvider {
    /// What it calls itself, as an OpenID provider.
    #[must_use]
    pub fn issuer(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Where its metadata is, as a SAML provider.
    #[must_use]
    pub fn metadata_url(&self) -> String {
        format!("{}/metadata", self.issuer())
    }

    /// Its metadata, as a SAML provider.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn metadata(&self) -> Result<String> {
        self.ask("GET", "/metadata", "").await
    }

    /// Starts it on the port that it always has, knowing nobody; an OpenID provider with other
    /// keys.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(&mut self) -> Result<()> {
        let mut command = Command::new("node");
        command
            .arg(self.folder.path().join("provider.mjs"))
            .env("E2E_PORT", self.port.to_string())
            .env(self.kind.back_to, &self.back_to);
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

    /// Changes what it says from now on; `wish` is JSON that its script explains.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn control(&self, wish: &str) -> Result<()> {
        self.ask("POST", "/control", wish).await.map(drop)
    }

    /// A token that it signs, as an OpenID provider; `wish` is JSON that its script explains.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn sign(&self, wish: &str) -> Result<String> {
        self.ask("POST", "/sign", wish).await
    }

    async fn ask(&self, method: &str, path: &str, body: &str) -> Result<String> {
        let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await?;
        let length = body.len();
        // Version 1.0, so that the answer is what it says and no chunks of it.
        let request = format!(
            "{method} {path} HTTP/1.0\r\nhost: 127.0.0.1:{}\r\ncontent-length: {length}\r\n\r\n\
             {body}",
            self.port
        );
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let (head, body) = answer.split_once("\r\n\r\n").context("no end of the headers")?;
        ensure!(head.contains(" 200 "), "the identity provider says: {answer}");
        Ok(body.trim().to_owned())
    }
}
