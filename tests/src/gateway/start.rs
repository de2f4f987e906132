//! Starting a gateway, in the order in which its parts need each other.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use hoop_testkit::{Nats, Postgres, eventually, free_port, free_port_near, nats, postgres, reaper};

use super::{ADMIN, Edge, Gateway, Options};
use crate::{Rest, Service, Target, keys::Keys};

/// The servers that are not ours.
struct Parts {
    postgres: Postgres,
    nats: Nats,
    state: String,
    target: Target,
}

impl Gateway {
    /// Starts everything but an agent, and logs in.
    ///
    /// # Errors
    /// When a process does not start; the error names it and its log.
    pub async fn start_without_agent(options: Options) -> Result<Self> {
        let throw_away = match options.home {
            Some(_) => None,
            None => Some(tempfile::Builder::new().prefix("hoop-gateway-").tempdir()?),
        };
        if let Some(folder) = &throw_away {
            reaper::remove(folder.path());
        }
        let folder: PathBuf = match (&options.home, &throw_away) {
            (Some(home), _) => home.clone(),
            (None, Some(folder)) => folder.path().to_owned(),
            (None, None) => anyhow::bail!("neither a home nor a throw-away folder"),
        };
        let keys = Keys::in_folder(&folder)?;
        let logs = options.logs.clone().unwrap_or_else(|| folder.join("logs"));
        let parts = match &options.home {
            Some(home) => kept_parts(home, &logs).await?,
            None => throw_away_parts().await?,
        };
        let mut gateway = assemble(&options, &folder, logs, keys, parts)?;
        gateway._throw_away = throw_away;
        gateway.apply(&options);
        gateway.launch().await?;
        Ok(gateway)
    }

    fn apply(&mut self, options: &Options) {
        let edges = self.edges.iter_mut().map(|edge| &mut edge.service);
        let rest = [&mut self.api, &mut self.audit_writer, &mut self.notifier];
        for service in edges.chain(rest) {
            for (process, name, value) in &options.settings {
                if service.name().starts_with(process) {
                    service.set(name, value.clone());
                }
            }
        }
    }

    /// `api` first: it migrates the state store that the others use.
    async fn launch(&mut self) -> Result<()> {
        self.api.start()?;
        let edges = self.edges.iter_mut().map(|edge| &mut edge.service);
        let mut others: Vec<_> =
            edges.chain([&mut self.audit_writer, &mut self.notifier]).collect();
        others.iter_mut().try_for_each(|service| service.launch())?;
        others.iter_mut().try_for_each(|service| service.wait_until_ready())?;
        let (rest, password) = (self.rest.clone(), self.keys.admin_password.clone());
        self.rest = eventually("the login", async || rest.login(ADMIN, &password).await).await?;
        Ok(())
    }
}

async fn throw_away_parts() -> Result<Parts> {
    let postgres = postgres().await?;
    let nats = nats().await?;
    let state = postgres.create_database().await?;
    let name = state.rsplit(['/', '?']).find(|part| part.starts_with("test_"));
    let target = format!("target_{}", name.context("no database in the URI")?);
    let target = Target::create(&postgres, &target).await?;
    Ok(Parts { postgres, nats, state, target })
}

async fn kept_parts(home: &Path, logs: &Path) -> Result<Parts> {
    let postgres = Postgres::kept_in(&home.join("postgres"), logs).await?;
    let nats = Nats::start_in(&home.join("nats"), logs)?;
    let there = "select 1 from pg_database where datname = 'hoop'";
    if postgres.run("postgres", there).await?.is_empty() {
        postgres.run("postgres", "create database hoop").await?;
    }
    let target = Target::create(&postgres, "shop").await?;
    let state = postgres.uri("hoop");
    Ok(Parts { postgres, nats, state, target })
}

fn assemble(
    options: &Options,
    folder: &Path,
    logs: PathBuf,
    keys: Keys,
    parts: Parts,
) -> Result<Gateway> {
    let Parts { postgres, nats, state, target } = parts;
    let port = |usual: u16| if options.usual_ports { free_port_near(usual) } else { free_port() };
    let service = |name: &str, program: &'static str| {
        Service::new(name, program, logs.clone()).with("NATS_URL", nats.url())
    };
    let mut edges = Vec::new();
    for number in 0..options.edges {
        let offset = u16::try_from(number)?;
        let (grpc, pg) = (port(8010 + offset)?, port(15432 + offset)?);
        let service = service(&format!("grpc-edge-{number}"), "hoop-grpc-edge")
            // Tests that kill an end don't want to wait for a minute until it is given up.
            .with("EDGE_RESUME_GRACE", if options.home.is_none() { "3s" } else { "60s" })
            .with("GRPC_LISTEN", format!("127.0.0.1:{grpc}"))
            .with("PG_LISTEN", format!("127.0.0.1:{pg}"));
        edges.push(Edge { service, grpc, pg });
    }
    let api_url = format!("http://127.0.0.1:{}", port(8009)?);
    let first = edges.first().context("a gateway needs an edge")?;
    // Users are told the edge that does not hold the agent, where there is one.
    let last = edges.last().context("a gateway needs an edge")?;
    let api = service("api", "hoop-api")
        .with("API_LISTEN", api_url.trim_start_matches("http://"))
        .with("API_URL", &api_url)
        .with("GRPC_URL", format!("grpc://127.0.0.1:{}", first.grpc))
        .with("NATIVE_PG_ADDRESS", format!("127.0.0.1:{}", last.pg))
        .with("POSTGRES_DB_URI", &state)
        .with("SECRETS_KEY", &keys.secrets)
        .with("ADMIN_EMAIL", ADMIN)
        .with("ADMIN_PASSWORD", &keys.admin_password);
    let audit_writer = audit_writer("audit-writer", logs.clone(), &keys)
        .with("NATS_URL", nats.url())
        .with("POSTGRES_DB_URI", &state)
        .with("PLUGIN_AUDIT_PATH", folder.join("spool").display().to_string());
    let notifier = service("notifier", "hoop-notifier")
        .with("POSTGRES_DB_URI", &state)
        .with("SECRETS_KEY", &keys.secrets);
    Ok(Gateway {
        rest: Rest::new(&api_url)?,
        api,
        api_url,
        edges,
        audit_writer,
        notifier,
        agents: Vec::new(),
        nats,
        postgres,
        state,
        target,
        keys,
        folder: folder.to_owned(),
        logs,
        _throw_away: None,
        for_a_test: options.logs.is_none(),
    })
}

/// An audit-writer, but for where it finds the others.
pub(super) fn audit_writer(name: &str, logs: PathBuf, keys: &Keys) -> Service {
    Service::new(name, "hoop-audit-writer", logs)
        .with("AUDIT_SIGNING_KEY", &keys.signing)
        // Recordings are to be seen soon after they were made.
        .with("AUDIT_SEGMENT_AGE", "1s")
}
