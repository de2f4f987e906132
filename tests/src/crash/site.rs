//! The gateway that things happen to, with a wire between any two of its parts.

mod wiring;

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;
use hoop_testkit::{Wire, eventually, eventually_after, postgres};
use tempfile::TempDir;

use super::{Settings, Tally, fault::Victim};
use crate::{Access, Gateway, Options, Psql, Service, Target, cli::Person, gateway::ADMIN};
use wiring::{rewire, steps};

/// The connection, through each agent, that shows whether the gateway is well.
const PROBES: [&str; 2] = ["probe-0", "probe-1"];

/// See the module.
pub(super) struct Site {
    pub(super) gateway: Gateway,
    /// The second audit-writer.
    pub(super) second: Service,
    /// What users reach; nothing happens to it.
    pub(super) target: Target,
    /// Who calls which edge.
    pub(super) people: [Person; 2],
    pub(super) wires: Wires,
    /// The key that recordings are to be signed with, as `hoop audit verify` takes it.
    pub(super) key: String,
    probes: Vec<Access>,
    folder: TempDir,
    journal: fs::File,
    began: Instant,
}

/// What can be cut.
pub(super) struct Wires {
    /// From each process to the broker.
    pub(super) broker: Vec<(Victim, Wire)>,
    /// From each process to the state store.
    pub(super) store: Vec<(Victim, Wire)>,
    /// Before each edge.
    pub(super) grpc: Vec<(Victim, Wire)>,
    pub(super) native: Vec<(Victim, Wire)>,
    /// From each agent to its edge.
    pub(super) agents: Vec<(Victim, Wire)>,
    /// Before all edges, where sessions are to be resumed. Never cut.
    pub(super) balancers: Vec<Wire>,
}

impl Wires {
    /// Those that end at `victim`.
    pub(super) fn of(&self, victim: Victim) -> Vec<&Wire> {
        match victim {
            Victim::Nats => self.broker.iter().map(|(_, wire)| wire).collect(),
            Victim::Postgres => self.store.iter().map(|(_, wire)| wire).collect(),
            _ => [&self.broker, &self.store, &self.grpc, &self.native, &self.agents]
                .into_iter()
                .flatten()
                .filter(|(owner, _)| *owner == victim)
                .map(|(_, wire)| wire)
                .collect(),
        }
    }
}

impl Site {
    pub(super) async fn start(settings: &Settings, logs: &Path) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("hoop-crash-").tempdir()?;
        hoop_testkit::reaper::remove(folder.path());
        let options = Options {
            home: Some(folder.path().to_owned()),
            logs: Some(logs.to_owned()),
            ..Options::default()
        }
        // An edge that is to stop does not wait for sessions that go on as long as it runs.
        .with("grpc-edge", "EDGE_DRAIN_TIMEOUT", "4s");
        let mut gateway = Gateway::start_without_agent(options).await?;
        let mut second = gateway.another_audit_writer();
        let wires = rewire(&mut gateway, &mut second, settings, &steps(folder.path())).await?;
        let target = Target::create(&postgres().await?, &unique("crash")?).await?;
        let people = [signed_in(&gateway, 0).await?, signed_in(&gateway, 1).await?];
        let key = wiring::public_key(&gateway)?;
        let journal = fs::File::create(logs.join("journal.log"))?;
        let (probes, began) = (Vec::new(), Instant::now());
        let mut site =
            Self { gateway, second, target, people, wires, key, probes, folder, journal, began };
        for (agent, name) in PROBES.into_iter().enumerate() {
            site.connection(name, "postgres", agent, site.target.postgres.port()).await?;
            let access = site.gateway.access_to(name, agent).await?;
            site.probes.push(access);
        }
        site.is_well().await?;
        Ok(site)
    }

    /// Makes a connection to `port`, through the agent of this number.
    pub(super) async fn connection(
        &self,
        name: &str,
        kind: &str,
        agent: usize,
        port: u16,
    ) -> Result<()> {
        let port = port.to_string();
        let (user, database) = (self.target.role.as_str(), self.target.database.as_str());
        let mut secret = vec![("HOST", "127.0.0.1"), ("PORT", port.as_str())];
        if kind == "postgres" {
            let login = [("USER", user), ("PASS", Target::PASSWORD), ("DB", database)];
            secret.extend(login);
            secret.push(("SSLMODE", "disable"));
        }
        let agent = format!("agent-{agent}");
        self.gateway.rest.connection_create(name, kind, &agent, &secret, &[]).await?;
        Ok(())
    }

    /// Waits until every process runs, and new sessions work on every way.
    pub(super) async fn is_well(&self) -> Result<()> {
        // A dead edge's agent comes back after up to half a minute, a lost lease after ten seconds.
        eventually_after(4, "the gateway to be well", async || {
            let ways = self.probes.iter().enumerate().flat_map(|(agent, probe)| {
                (0..self.gateway.edges.len()).map(move |edge| self.answers(agent, probe, edge))
            });
            try_join_all(ways).await?;
            self.gateway.rest.get("/api/agents").await.map(drop)
        })
        .await
    }

    /// Whether a new session works through this edge and this agent.
    async fn answers(&self, agent: usize, probe: &Access, edge: usize) -> Result<()> {
        let access = self.gateway.through(probe.clone(), edge)?;
        let answer = tokio::time::timeout(Duration::from_secs(20), access.answer("select 7"));
        let words = || format!("through edge {edge} and agent {agent}");
        ensure!(answer.await.with_context(words)?.with_context(words)? == "7");
        Ok(())
    }

    /// The process, for those victims that are one of ours.
    pub(super) fn service(&mut self, victim: Victim) -> Option<&mut Service> {
        match victim {
            Victim::Edge(number) => self.gateway.edge_mut(number).ok(),
            Victim::Api => Some(&mut self.gateway.api),
            Victim::Writer(0) => Some(&mut self.gateway.audit_writer),
            Victim::Writer(_) => Some(&mut self.second),
            Victim::Notifier => Some(&mut self.gateway.notifier),
            Victim::Agent(number) => self.gateway.agents.get_mut(number),
            Victim::Nats | Victim::Postgres => None,
        }
    }

    /// Where an audit-writer keeps what is in transit.
    pub(super) fn spool(&self, victim: Victim) -> PathBuf {
        let name = if victim == Victim::Writer(0) { "spool" } else { "spool-2" };
        self.folder.path().join(name)
    }

    /// Where the steps of a process are controlled.
    pub(super) fn steps(&self, victim: Victim) -> PathBuf {
        steps(self.folder.path()).join(victim.to_string())
    }

    /// Writes into the journal, which has the times that the logs have.
    pub(super) fn note(&mut self, words: &str) -> Result<()> {
        let elapsed = self.began.elapsed().as_secs_f64();
        let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
        let day = clock.as_secs() % 86_400;
        let (hour, minute, second) = (day / 3600, day / 60 % 60, day % 60);
        writeln!(
            self.journal,
            "{hour:02}:{minute:02}:{second:02}.{:03} {elapsed:9.3} {words}",
            clock.subsec_millis()
        )?;
        Ok(())
    }

    /// Ends everything; what does not end well is told.
    pub(super) fn stop(mut self, tally: &mut Tally) {
        let stopped =
            tokio::task::block_in_place(|| self.gateway.stop().and_then(|()| self.second.stop()));
        if let Err(error) = stopped {
            tally.violated(format!("the gateway does not stop as it should: {error:#}"));
        }
        for service in self.gateway.services().chain([&self.second]) {
            if service.log().contains("panicked at") {
                tally.violated(format!("{} panicked", service.name()));
            }
        }
    }
}

async fn signed_in(gateway: &Gateway, edge: usize) -> Result<Person> {
    let person = Person::new()?;
    let grpc = format!("grpc://127.0.0.1:{}", gateway.edge(edge)?.grpc);
    let login = ["login", "--api-url", &gateway.api_url, "--grpc-url", &grpc, "--email", ADMIN];
    let mut command = person.hoop(&login)?;
    command.env("HOOP_PASSWORD", &gateway.keys.admin_password);
    eventually("the login", async || Psql(command.output().await?).success()).await?;
    Ok(person)
}

/// A name that no earlier matrix on the same server has.
fn unique(name: &str) -> Result<String> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    Ok(format!("{name}_{}", now.as_nanos()))
}
