//! A whole gateway behind a real nginx, with the configuration that the guide documents.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result, ensure};
use hoop_testkit::{Nginx, certificate, free_port, nginx};
use tempfile::TempDir;

use crate::{Gateway, Options, Psql, Rest, cli::Person, gateway::ADMIN, gateway::AGENT};

/// One of the documented set-ups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setup {
    /// Everything on one port.
    SinglePort,
    /// gRPC on a port of its own.
    TwoPorts,
    /// One port as older documents have it: a location for `Connect` alone, and all else as
    /// nginx does it when it is told nothing.
    Narrow,
}

/// A gateway that is reached through nginx only, over TLS.
#[derive(Debug)]
pub struct Proxied {
    /// The gateway, with an agent that comes through nginx, too.
    pub gateway: Gateway,
    /// What stands before it.
    pub nginx: Nginx,
    /// The public URL of the REST API.
    pub api_url: String,
    /// The public URL of the edges.
    pub grpc_url: String,
    /// The certificate of the authority that signed nginx's.
    pub authority: PathBuf,
    ports: (u16, u16),
    files: certificate::Files,
    setup: Setup,
    _folder: TempDir,
}

impl Proxied {
    /// Starts a gateway of one edge, nginx before it, an agent and the usual connection.
    ///
    /// # Errors
    /// When a part does not start.
    pub async fn start(setup: Setup, options: Options) -> Result<Self> {
        Self::start_with(setup, options, |configuration| configuration).await
    }

    /// The same with the configuration changed by `change`.
    ///
    /// # Errors
    /// When a part does not start.
    pub async fn start_with(
        setup: Setup,
        options: Options,
        change: impl Fn(String) -> String,
    ) -> Result<Self> {
        let mut proxied = Self::without_agent(setup, options, change).await?;
        let key = proxied.gateway.rest.agent_create(AGENT).await?;
        let trust = ("SSL_CERT_FILE", proxied.authority.display().to_string());
        proxied.gateway.agent_launch_as(AGENT, &key, &[trust])?;
        proxied.gateway.agent_connected(AGENT).await?;
        proxied.gateway.connection_to_target(crate::gateway::CONNECTION).await?;
        Ok(proxied)
    }

    /// The same without an agent.
    ///
    /// # Errors
    /// When a part does not start.
    pub async fn without_agent(
        setup: Setup,
        options: Options,
        change: impl Fn(String) -> String,
    ) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("hoop-tls-").tempdir()?;
        let files = certificate::create(folder.path())?;
        let api = free_port()?;
        let grpc = if setup == Setup::TwoPorts { free_port()? } else { api };
        let (api_url, grpc_url) =
            (format!("https://localhost:{api}"), format!("grpcs://localhost:{grpc}"));
        let options = Options { edges: 1, ..options }
            .with("api", "API_URL", &api_url)
            .with("api", "GRPC_URL", &grpc_url);
        let gateway = Gateway::start_without_agent(options).await?;
        let (edge, ports) = (gateway.edge(0)?.grpc, (api, grpc));
        let sites = configuration(setup, ports, (&gateway.api_url, edge), &files)?;
        let nginx = nginx(change(sites), vec![api, grpc]).await?;
        let authority = files.authority.clone();
        let (_folder, api_url, grpc_url) = (folder, api_url, grpc_url);
        Ok(Self { gateway, nginx, api_url, grpc_url, authority, ports, files, setup, _folder })
    }

    /// Another nginx in the place of this one, with a changed configuration.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn reconfigure(&mut self, change: impl Fn(String) -> String) -> Result<()> {
        let edge = self.gateway.edge(0)?.grpc;
        let upstreams = (self.gateway.api_url.as_str(), edge);
        let sites = configuration(self.setup, self.ports, upstreams, &self.files)?;
        self.nginx.kill()?;
        self.nginx = nginx(change(sites), vec![self.ports.0, self.ports.1]).await?;
        Ok(())
    }

    /// The REST API through nginx, with the administrator's token, called from `address`.
    ///
    /// # Errors
    /// When the client can't be made.
    pub fn rest_from(&self, address: [u8; 4]) -> Result<Rest> {
        let rest = Rest::through(&self.api_url, &fs::read(&self.authority)?, address)?;
        Ok(rest.with_token(self.gateway.rest.token()))
    }

    /// Somebody who trusts the authority and has not signed in.
    ///
    /// # Errors
    /// When there is no room for a home directory.
    pub fn stranger(&self) -> Result<Person> {
        Ok(Person::new()?.with("SSL_CERT_FILE", self.authority.display().to_string()))
    }

    /// The administrator, signed in through nginx.
    ///
    /// # Errors
    /// When `hoop login` fails.
    pub async fn signed_in(&self) -> Result<Person> {
        let person = self.stranger()?;
        let urls = ["--api-url", &self.api_url, "--grpc-url", &self.grpc_url];
        let output = person
            .hoop(&[&["login", "--email", ADMIN][..], &urls].concat())?
            .env("HOOP_PASSWORD", &self.gateway.keys.admin_password)
            .output()
            .await
            .context("run hoop login")?;
        Psql(output).success()?;
        Ok(person)
    }
}

/// The documented file with this machine's ports and files in the place of the usual ones.
fn configuration(
    setup: Setup,
    (api, grpc): (u16, u16),
    (api_url, edge): (&str, u16),
    files: &certificate::Files,
) -> Result<String> {
    let documented = match setup {
        Setup::SinglePort => include_str!("../../docker/nginx/single-port.conf"),
        Setup::TwoPorts => include_str!("../../docker/nginx/two-ports.conf"),
        Setup::Narrow => include_str!("proxied/narrow.conf"),
    };
    let upstream = api_url.trim_start_matches("http://");
    let mut replaced = vec![
        ("server 127.0.0.1:8009;", format!("server {upstream};")),
        ("server 127.0.0.1:8010;", format!("server 127.0.0.1:{edge};")),
        ("listen 443 ssl", format!("listen 127.0.0.1:{api} ssl")),
        ("server_name hoop.example.com;", "server_name localhost;".to_owned()),
        ("/etc/nginx/tls/hoop.crt", files.certificate.display().to_string()),
        ("/etc/nginx/tls/hoop.key", files.key.display().to_string()),
    ];
    if setup == Setup::TwoPorts {
        replaced.push(("listen 8443 ssl", format!("listen 127.0.0.1:{grpc} ssl")));
    }
    replaced.into_iter().try_fold(documented.to_owned(), |text, (usual, ours)| {
        ensure!(text.contains(usual), "the documented file has no {usual:?} any more");
        Ok(text.replace(usual, &ours))
    })
}
