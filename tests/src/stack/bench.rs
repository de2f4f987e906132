//! Figures beside direct access on this machine, printed and never asserted.
//!
//! Direct, through the edge that holds the agent, and through two edges. Build with
//! `--release`, as `cargo xtask bench` does; anything else that runs on the machine shows.

mod figures;
mod load;
mod plan;

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

use super::terminal::{heading, say, size, spoken};
use crate::{Access, Gateway, Options, Service, cost::Cost};
use figures::Figures;
use plan::Plan;

/// Where the load goes.
struct Way {
    name: &'static str,
    access: Access,
}

/// Measures what [`Plan::parse`] makes of the arguments.
pub(super) async fn run(arguments: &[&str], logs: PathBuf) -> Result<()> {
    let plan = Plan::parse(arguments)?;
    let options = Options { logs: Some(logs), ..Options::default() };
    heading("starting PostgreSQL, NATS and the gateway's processes");
    let mut gateway = Gateway::start(options).await?;
    let ways = [
        Way { name: "direct", access: gateway.target.direct() },
        Way { name: "one edge", access: gateway.access(0).await? },
        Way { name: "two edges", access: gateway.access(1).await? },
    ];
    load::prepare(&ways[0].access).await?;
    for clients in plan.clients {
        latency(&gateway, &ways, clients, plan.transactions).await?;
    }
    if 0 < plan.logins {
        logins(&ways, plan.logins).await?;
    }
    for mebibytes in plan.copies {
        bulk(&gateway, &ways, mebibytes).await?;
    }
    heading("memory and processor time of each process, since its start");
    for (name, cost) in costs(&gateway) {
        let Cost { peak_memory, memory, processor } = cost;
        say(&format!(
            "    {name:<14}{:>12} now{:>12} at most{:>12}",
            size(memory),
            size(peak_memory),
            spoken(processor)
        ));
    }
    heading("programs, with debug information");
    programs()?;
    if 0 < plan.starts {
        heading(&format!(
            "from the start of a process until it is ready, lowest of {}",
            plan.starts
        ));
        gateway.each_service(|service| start_up(service, plan.starts))?;
    }
    gateway.stop()
}

/// The time until the READY line, and what it has in memory then.
fn start_up(service: &mut Service, times: usize) -> Result<()> {
    let mut lowest = Duration::MAX;
    for _ in 0..times {
        service.stop()?;
        let started = Instant::now();
        service.start()?;
        lowest = lowest.min(started.elapsed());
    }
    let memory = service.cost().map_or(0, |cost| cost.memory);
    say(&format!("    {:<14}{:>12}   memory{:>12}", service.name(), spoken(lowest), size(memory)));
    Ok(())
}

async fn latency(gateway: &Gateway, ways: &[Way], clients: u32, transactions: u32) -> Result<()> {
    heading(&format!(
        "one simple query (pgbench -S -c {clients}, {transactions} transactions each)"
    ));
    for Way { name, access } in ways {
        let before = total(gateway);
        let Figures { count, p50, p99 } = load::pgbench(access, clients, transactions).await?;
        let processor = (total(gateway) - before) / u32::try_from(count.max(1))?;
        say(&format!(
            "    {name:<12}p50 {:>10}   p99 {:>10}   processor time per query {:>10}",
            spoken(p50),
            spoken(p99),
            spoken(processor)
        ));
    }
    Ok(())
}

async fn logins(ways: &[Way], count: u32) -> Result<()> {
    heading(&format!("{count} times psql -c 'select 1', one after another"));
    for Way { name, access } in ways {
        say(&format!("    {name:<12}{:>10}", spoken(load::logins(access, count).await?)));
    }
    Ok(())
}

async fn bulk(gateway: &Gateway, ways: &[Way], mebibytes: u64) -> Result<()> {
    heading(&format!("COPY of {mebibytes} MiB to standard output"));
    for Way { name, access } in ways {
        let before = total(gateway);
        let took = load::copy(access, mebibytes).await?;
        let processor = total(gateway) - before;
        say(&format!(
            "    {name:<12}{:>10}   processor time {:>10}",
            spoken(took),
            spoken(processor)
        ));
    }
    Ok(())
}

/// Every process of ours, and the broker.
fn costs(gateway: &Gateway) -> Vec<(String, Cost)> {
    let ours =
        gateway.services().filter_map(|service| Some((service.name().to_owned(), service.cost()?)));
    let broker =
        gateway.nats.pid().and_then(|pid| Some(("nats-server".to_owned(), Cost::of(pid).ok()?)));
    ours.chain(broker).collect()
}

fn total(gateway: &Gateway) -> Duration {
    costs(gateway).into_iter().map(|(_, cost)| cost.processor).sum()
}

fn programs() -> Result<()> {
    let this = std::env::current_exe()?;
    let folder = this.parent().context("this program is in no folder")?;
    for name in
        ["hoop", "hoop-agent", "hoop-api", "hoop-audit-writer", "hoop-grpc-edge", "hoop-notifier"]
    {
        if let Ok(file) = std::fs::metadata(folder.join(name)) {
            say(&format!("    {name:<20}{:>12}", size(file.len())));
        }
    }
    Ok(())
}
