//! Putting the wires in: every process is told the wires' ports instead of the parts'.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use base64::{Engine, engine::general_purpose::STANDARD};
use hoop_domain::manifest::SigningKey;
use hoop_testkit::Wire;

use super::{Settings, Wires};
use crate::{
    Gateway, Service,
    crash::{Expect, fault::Victim},
};

/// Starts every process again with wires around it, the agents and the second audit-writer
/// for the first time.
pub(super) async fn rewire(
    gateway: &mut Gateway,
    second: &mut Service,
    settings: &Settings,
    steps: &Path,
) -> Result<Wires> {
    gateway.stop()?;
    let mut wires = Wires {
        broker: Vec::new(),
        store: Vec::new(),
        grpc: Vec::new(),
        native: Vec::new(),
        agents: Vec::new(),
        balancers: Vec::new(),
    };
    let (nats, state) = (gateway.nats.url(), gateway.state.clone());
    let ports = (port_of(&nats)?, gateway.postgres.port());
    let edges = gateway.edges.iter_mut().map(|edge| &mut edge.service);
    let others = [
        (Victim::Api, &mut gateway.api),
        (Victim::Writer(0), &mut gateway.audit_writer),
        (Victim::Writer(1), second),
        (Victim::Notifier, &mut gateway.notifier),
    ];
    let edges = edges.enumerate().map(|(number, service)| (Victim::Edge(number), service));
    for (victim, service) in others.into_iter().chain(edges) {
        let broker = Wire::to(&[ports.0]).await?;
        service.set("NATS_URL", nats.replace(&ports.0.to_string(), &broker.port.to_string()));
        wires.broker.push((victim, broker));
        if !matches!(victim, Victim::Edge(_)) {
            let store = Wire::to(&[ports.1]).await?;
            let uri = state.replace(&format!(":{}/", ports.1), &format!(":{}/", store.port));
            service.set("POSTGRES_DB_URI", uri);
            wires.store.push((victim, store));
        }
        let folder = steps.join(victim.to_string());
        std::fs::create_dir_all(&folder)?;
        service.set("E2E_STEPS", folder.display().to_string());
        service.start().with_context(|| format!("start {victim} again"))?;
    }
    doors(gateway, &mut wires, settings).await?;
    agents(gateway, &mut wires).await?;
    Ok(wires)
}

/// The ports of edges, as everybody is told them.
async fn doors(gateway: &mut Gateway, wires: &mut Wires, settings: &Settings) -> Result<()> {
    for (number, edge) in gateway.edges.iter_mut().enumerate() {
        let (grpc, native) = (Wire::to(&[edge.grpc]).await?, Wire::to(&[edge.pg]).await?);
        (edge.grpc, edge.pg) = (grpc.port, native.port);
        wires.grpc.push((Victim::Edge(number), grpc));
        wires.native.push((Victim::Edge(number), native));
    }
    if settings.expect == Expect::Resumes {
        // What a load balancer does: whoever can't reach one edge gets to another.
        for number in 0..gateway.edges.len() {
            let mut doors: Vec<u16> = wires.grpc.iter().map(|(_, wire)| wire.port).collect();
            doors.rotate_left(number);
            let balancer = Wire::to(&doors).await?;
            gateway.edges.get_mut(number).context("no such edge")?.grpc = balancer.port;
            wires.balancers.push(balancer);
        }
    }
    Ok(())
}

async fn agents(gateway: &mut Gateway, wires: &mut Wires) -> Result<()> {
    for number in 0..gateway.edges.len() {
        let door = gateway.edge(number)?.grpc;
        let wire = Wire::to(&[door]).await?;
        gateway.edges.get_mut(number).context("no such edge")?.grpc = wire.port;
        let started = gateway.agent_start(&format!("agent-{number}"), number).await;
        gateway.edges.get_mut(number).context("no such edge")?.grpc = door;
        started?;
        wires.agents.push((Victim::Agent(number), wire));
    }
    Ok(())
}

/// Where the files are that hold processes at steps.
pub(super) fn steps(folder: &Path) -> PathBuf {
    folder.join("steps")
}

/// The public half of the gateway's signing key.
pub(super) fn public_key(gateway: &Gateway) -> Result<String> {
    let seed = <[u8; 32]>::try_from(STANDARD.decode(&gateway.keys.signing)?);
    let seed = seed.ok().context("the signing key's seed has another length")?;
    let key = SigningKey::from_seed(&seed).ok().context("no signing key")?;
    Ok(STANDARD.encode(key.public_key().0))
}

fn port_of(url: &str) -> Result<u16> {
    Ok(url.rsplit(':').next().context("no port in the broker's URL")?.parse()?)
}
