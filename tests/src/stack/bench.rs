//! Figures beside direct access on this machine, printed and never asserted.
//!
//! Every measurement goes over every way in turn, several times; the table has the medians and
//! their ratios to direct access. Build with `--release`, as `cargo xtask bench` does; anything
//! else that runs on the machine shows.

mod accounts;
mod agents;
mod figures;
mod listing;
mod load;
mod measure;
mod neighbours;
mod pause;
mod plan;
mod table;
mod ways;

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

use super::terminal::{heading, say, size, spoken};
use crate::{Gateway, Options, Service};
use accounts::Accounts;
pub(super) use agents::run as agents;
use figures::Figures;
use measure::Measure;
use plan::Plan;
use table::Table;
use ways::Way;

/// Measures what [`Plan::parse`] makes of the arguments.
pub(super) async fn run(arguments: &[&str], logs: PathBuf) -> Result<()> {
    let plan = Plan::parse(arguments)?;
    let mut table = Table::default();
    if 0 < plan.pauses {
        heading(&format!("an edge is killed under a session, {} times", plan.pauses));
        pause::measure(plan.pauses, logs.join("pause"), &mut table).await?;
    }
    let settings = plan.settings.clone();
    let options = Options { logs: Some(logs), settings, ..Options::default() };
    heading("starting PostgreSQL, NATS and the gateway's processes");
    let mut gateway = Gateway::start(options).await?;
    let ways = ways::all(&gateway, &mut table).await?;
    load::prepare(&gateway.target.direct()).await?;
    for measure in Measure::all(&plan) {
        heading(&measure.to_string());
        for round in 1..=plan.rounds {
            for way in &ways {
                let before = Accounts::of(&gateway);
                let figures = measure.take(&way.access).await;
                let figures = figures.with_context(|| format!("{measure}, {}", way.name))?;
                let used = Accounts::of(&gateway).since(&before);
                say(&format!("    {round}. {:<12}{}", way.name, figures.short()));
                table.add(&measure, way.name, figures, used);
            }
        }
    }
    if 0 < plan.idle {
        idle(&gateway, &ways, plan.idle, &mut table).await?;
    }
    if 0 < plan.agents {
        heading(&format!("{} agents", plan.agents));
        agents::measure(&mut gateway, plan.agents, &mut table).await?;
    }
    if 0 < plan.sessions {
        heading(&format!("lists of {} sessions", plan.sessions));
        listing::measure(&gateway, plan.sessions, &mut table).await?;
    }
    say(&table.text());
    if let Some(file) = &plan.json {
        std::fs::write(file, table.json().to_string())?;
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
    gateway.stop()?;
    if plan.strict { table.judge() } else { Ok(()) }
}

/// What sessions that do nothing take of each process.
async fn idle(gateway: &Gateway, ways: &[Way], count: u32, table: &mut Table) -> Result<()> {
    heading(&format!("{count} sessions that do nothing, one edge"));
    let way = ways.iter().find(|way| way.name == ways::ONE_EDGE).context("no such way")?;
    let before = Accounts::of(gateway);
    let mut sessions = Vec::new();
    for _ in 0..count {
        sessions.push(load::idle(&way.access).await?);
    }
    for (process, bytes) in Accounts::of(gateway).memory_since(&before) {
        let each = bytes / u64::from(count);
        say(&format!("    {process:<14}{:>12} each", size(each)));
        table.memory(&process, each);
    }
    drop(sessions);
    Ok(())
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
