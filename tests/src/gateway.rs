//! A whole gateway: state store, broker, target, and every process of ours.

mod drop;
mod start;

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use hoop_testkit::{Nats, Postgres, eventually};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{Access, Rest, Service, Target, keys::Keys, rest::text};

/// What the gateway is to consist of.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many edges.
    pub edges: usize,
    /// The edge that the agent calls.
    pub agent_calls: usize,
    /// Where to keep everything. A throw-away folder when `None`.
    pub home: Option<PathBuf>,
    /// Where to log. A folder of `home` or the throw-away folder when `None`.
    pub logs: Option<PathBuf>,
    /// Listen where the documents say, as far as those ports are free.
    pub usual_ports: bool,
    /// Settings for single processes: name of the process, variable, value.
    pub settings: Vec<(String, String, String)>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            edges: 2,
            agent_calls: 0,
            home: None,
            logs: None,
            usual_ports: false,
            settings: Vec::new(),
        }
    }
}

impl Options {
    /// The same with a setting for one process.
    #[must_use]
    pub fn with(mut self, process: &str, name: &str, value: impl Into<String>) -> Self {
        self.settings.push((process.to_owned(), name.to_owned(), value.into()));
        self
    }
}

/// An edge and where it listens.
#[derive(Debug)]
pub struct Edge {
    /// The process.
    pub service: Service,
    /// The port of agents and gRPC clients.
    pub grpc: u16,
    /// The port of `psql`.
    pub pg: u16,
}

/// The running gateway. Dropping it ends all its processes.
#[derive(Debug)]
pub struct Gateway {
    /// The REST API, logged in as the administrator.
    pub rest: Rest,
    /// The process that serves it.
    pub api: Service,
    /// Where it listens.
    pub api_url: String,
    /// The edges.
    pub edges: Vec<Edge>,
    /// The process that stores recordings.
    pub audit_writer: Service,
    /// The process that tells people.
    pub notifier: Service,
    /// The agents that were started.
    pub agents: Vec<Service>,
    /// The broker.
    pub nats: Nats,
    /// The server of the state store and the target.
    pub postgres: Postgres,
    /// The URI of the state store.
    pub state: String,
    /// What users want to reach.
    pub target: Target,
    /// The operator's secrets.
    pub keys: Keys,
    folder: PathBuf,
    logs: PathBuf,
    _throw_away: Option<TempDir>,
    /// Nobody else keeps the logs, so the test that fails has to show them.
    for_a_test: bool,
}

/// The administrator that the gateway makes at its first start.
pub const ADMIN: &str = "admin@example.com";
/// The agent that [`Gateway::start`] registers.
pub const AGENT: &str = "agent";
/// The connection to the target that [`Gateway::start`] makes.
pub const CONNECTION: &str = "pg";

impl Gateway {
    /// Starts everything, with an agent and the connection `pg` to the target.
    ///
    /// # Errors
    /// When a process does not start; the error names it and its log.
    pub async fn start(options: Options) -> Result<Self> {
        let agent_calls = options.agent_calls;
        let mut gateway = Self::start_without_agent(options).await?;
        gateway.agent_start(AGENT, agent_calls).await?;
        gateway.connection_to_target(CONNECTION).await?;
        Ok(gateway)
    }

    /// Two edges, with the agent on the first.
    ///
    /// # Errors
    /// See [`Self::start`].
    pub async fn usual() -> Result<Self> {
        Self::start(Options::default()).await
    }

    /// Registers an agent, starts it towards the edge number `edge`, and waits until it is connected.
    ///
    /// # Errors
    /// When it does not connect.
    pub async fn agent_start(&mut self, name: &str, edge: usize) -> Result<()> {
        let key = self.rest.agent_create(name).await?;
        self.agent_launch(name, &key, edge)?;
        self.agent_connected(name).await
    }

    /// Starts one more agent process with a key that exists.
    ///
    /// # Errors
    /// When it does not start.
    pub fn agent_launch(&mut self, name: &str, key: &str, edge: usize) -> Result<()> {
        self.agent_launch_by(name, key, self.edge(edge)?.grpc)
    }

    /// `key` for an agent that calls the edge number `edge`.
    ///
    /// # Errors
    /// When there are not so many.
    pub fn calling_edge(&self, key: &str, edge: usize) -> Result<String> {
        Ok(calling(key, self.edge(edge)?.grpc))
    }

    /// The same, calling `port`.
    ///
    /// # Errors
    /// When it does not start.
    pub fn agent_launch_by(&mut self, name: &str, key: &str, port: u16) -> Result<()> {
        self.agent_launch_as(name, &calling(key, port), &[])
    }

    /// The same, calling where the key says, with more settings.
    ///
    /// # Errors
    /// When it does not start.
    pub fn agent_launch_as(
        &mut self,
        name: &str,
        key: &str,
        settings: &[(&str, String)],
    ) -> Result<()> {
        let count = self.agents.len();
        let process = if count == 0 { name.to_owned() } else { format!("{name}-{count}") };
        let mut agent = Service::new(&format!("agent-{process}"), "hoop-agent", self.logs.clone())
            .with("HOOP_KEY", key);
        for (name, value) in settings {
            agent.set(name, value);
        }
        agent.launch()?;
        self.agents.push(agent);
        Ok(())
    }

    /// Waits until the API shows the agent as connected.
    ///
    /// # Errors
    /// When it does not in time, with the agent's last words.
    pub async fn agent_connected(&mut self, name: &str) -> Result<()> {
        let connected = eventually("the agent to be connected", async || {
            let agent = self.rest.agent(name).await?;
            ensure!(text(&agent, "status") == "CONNECTED", "the agent is {agent}");
            Ok(())
        })
        .await;
        let process = self.agents.last_mut().and_then(|agent| agent.process().ok());
        let words = process.map(|process| process.last_words()).unwrap_or_default();
        connected.map_err(|error| error.context(words))
    }

    /// Makes a connection to the target, for administrators.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn connection_to_target(&self, name: &str) -> Result<()> {
        self.connection(name, &self.target.database, json!({})).await
    }

    /// Makes a connection to the target whose sessions are recorded at an audit level.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn connection_at_level(&self, name: &str, level: &str) -> Result<()> {
        self.connection(name, &self.target.database, json!({ "audit_level": level })).await
    }

    /// Makes a connection to another database of the target's server.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn connection_to_database(&self, name: &str, database: &str) -> Result<()> {
        self.connection(name, database, json!({})).await
    }

    /// Makes a connection to the target that is open to `groups`.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn open_to(&self, name: &str, groups: &[&str]) -> Result<()> {
        self.connection(name, &self.target.database, json!({ "groups": groups })).await
    }

    async fn connection(&self, name: &str, database: &str, more: Value) -> Result<()> {
        let port = self.target.postgres.port().to_string();
        let secret = [
            ("HOST", "127.0.0.1"),
            ("PORT", port.as_str()),
            ("USER", &self.target.role),
            ("PASS", Target::PASSWORD),
            ("DB", database),
            ("SSLMODE", "disable"),
        ];
        self.rest.connection_create_with(name, "postgres", AGENT, &secret, more).await.map(drop)
    }

    /// Runs `sql` on the state store, as an operator with a database client could.
    ///
    /// # Errors
    /// With PostgreSQL's message.
    pub async fn run_on_state(&self, sql: &str) -> Result<String> {
        self.postgres.run(self.state_database()?, sql).await
    }

    /// The whole state store as text.
    ///
    /// # Errors
    /// When `pg_dump` fails.
    pub async fn dump_of_state(&self) -> Result<String> {
        let output = tokio::process::Command::new("pg_dump").arg(&self.state).output().await?;
        crate::Psql(output).success()
    }

    /// Where the audit-writer keeps what is in transit.
    #[must_use]
    pub fn spool(&self) -> PathBuf {
        self.folder.join("spool")
    }

    /// One more audit-writer with a spool of its own; not started.
    #[must_use]
    pub fn another_audit_writer(&self) -> Service {
        start::audit_writer("audit-writer-2", self.logs.clone(), &self.keys)
            .with("NATS_URL", self.nats.url())
            .with("POSTGRES_DB_URI", &self.state)
            .with("PLUGIN_AUDIT_PATH", self.folder.join("spool-2").display().to_string())
    }

    /// One more `api`, and a client of it that is logged in as the administrator.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn another_api(&self) -> Result<(Service, Rest)> {
        let url = format!("http://127.0.0.1:{}", hoop_testkit::free_port()?);
        let listen = url.trim_start_matches("http://");
        let mut api = self.api.another("api-2").with("API_LISTEN", listen);
        api.start()?;
        let rest = Rest::new(&url)?;
        Ok((api, rest.with_token(self.rest.token())))
    }

    fn state_database(&self) -> Result<&str> {
        let path = self.state.rsplit('/').next().context("no database in the URI")?;
        Ok(path.split('?').next().unwrap_or(path))
    }

    /// A fresh credential for the connection to the target, on the port of edge number `edge`.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn access(&self, edge: usize) -> Result<Access> {
        self.access_to(CONNECTION, edge).await
    }

    /// A fresh credential for `connection`, on the port of edge number `edge`.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn access_to(&self, connection: &str, edge: usize) -> Result<Access> {
        let access = self.rest.credential_create(connection, 3600).await?;
        self.through(access, edge)
    }

    /// The same access through another edge.
    ///
    /// # Errors
    /// When there is no such edge.
    pub fn through(&self, access: Access, edge: usize) -> Result<Access> {
        Ok(Access { port: self.edge(edge)?.pg, ..access })
    }

    /// The edge number `edge`.
    ///
    /// # Errors
    /// When there are not so many.
    pub fn edge(&self, edge: usize) -> Result<&Edge> {
        self.edges.get(edge).with_context(|| format!("there is no edge {edge}"))
    }

    /// The edge number `edge`, to be killed or started.
    ///
    /// # Errors
    /// When there are not so many.
    pub fn edge_mut(&mut self, edge: usize) -> Result<&mut Service> {
        let edge = self.edges.get_mut(edge).with_context(|| format!("there is no edge {edge}"))?;
        Ok(&mut edge.service)
    }

    /// The first agent, to be killed or started.
    ///
    /// # Errors
    /// When there is none.
    pub fn agent_mut(&mut self) -> Result<&mut Service> {
        self.agents.first_mut().context("there is no agent")
    }

    /// Every process of ours.
    pub fn services(&self) -> impl Iterator<Item = &Service> {
        let edges = self.edges.iter().map(|edge| &edge.service);
        [&self.api, &self.audit_writer, &self.notifier].into_iter().chain(edges).chain(&self.agents)
    }

    /// Stops every process with SIGTERM, agents first, as an operator would.
    ///
    /// # Errors
    /// When one of them does not stop in time or ends with a failure.
    pub fn stop(&mut self) -> Result<()> {
        self.each_service(Service::stop)
    }

    /// Does something with every process of ours, agents first; an error ends it.
    ///
    /// # Errors
    /// The first that there is.
    pub fn each_service(&mut self, each: impl FnMut(&mut Service) -> Result<()>) -> Result<()> {
        let edges = self.edges.iter_mut().map(|edge| &mut edge.service);
        let rest = [&mut self.audit_writer, &mut self.notifier, &mut self.api];
        self.agents.iter_mut().chain(edges).chain(rest).try_for_each(each)
    }
}

/// `key` with the edge on loopback that listens on `port`.
fn calling(key: &str, port: u16) -> String {
    match (key.rsplit_once('@'), key.rsplit_once('?')) {
        (Some((who, _)), Some((_, query))) => format!("{who}@127.0.0.1:{port}?{query}"),
        (Some((who, _)), None) => format!("{who}@127.0.0.1:{port}"),
        (None, _) => key.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_pointed_at_another_edge() {
        let key = "grpc://dev:xagt-abc@example.com:8010?mode=standard";
        assert_eq!(calling(key, 7), "grpc://dev:xagt-abc@127.0.0.1:7?mode=standard");
    }
}
