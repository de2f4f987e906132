//! Many agents at one edge, in a process of their own.

use std::{
    io::BufRead,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use hoop_agent::{Config, Providers};
use hoop_runtime::Drain;
use hoop_testkit::eventually;
use tokio::{io::AsyncWriteExt, process::Command};

use super::{Accounts, Figures, Table};
use crate::{
    Gateway,
    stack::{say, terminal::size},
};

/// Connects `count` agents to the first edge, kills that, and waits until all are back.
pub(super) async fn measure(gateway: &mut Gateway, count: u32, table: &mut Table) -> Result<()> {
    let mut keys = String::new();
    for number in 0..count {
        let key = gateway.rest.agent_create(&format!("many-{number}")).await?;
        keys.push_str(&gateway.calling_edge(&key, 0)?);
        keys.push('\n');
    }
    let before = Accounts::of(gateway);
    let mut crowd = Command::new(std::env::current_exe()?)
        .arg("agents")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let began = Instant::now();
    let mut stdin = crowd.stdin.take().context("no standard input")?;
    stdin.write_all(keys.as_bytes()).await?;
    drop(stdin);
    let all = f64::from(count + 1);
    connected(gateway, all).await?;
    done(table, format!("{count} agents connect"), began.elapsed());
    for (process, bytes) in Accounts::of(gateway).memory_since(&before) {
        if process.starts_with("grpc-edge-0") {
            say(&format!("    {process}: {} each", size(bytes / u64::from(count))));
        }
    }
    gateway.edge_mut(0)?.kill()?;
    gateway.edge_mut(0)?.start()?;
    let began = Instant::now();
    connected(gateway, all).await?;
    done(table, format!("{count} agents back after their edge was killed"), began.elapsed());
    crowd.kill().await?;
    Ok(())
}

async fn connected(gateway: &mut Gateway, all: f64) -> Result<()> {
    let service = gateway.edge_mut(0)?;
    eventually("all agents to be connected", async || {
        let there = service.metric("hoop_agents_connected").await?;
        ensure!(all <= there, "{there} are");
        Ok(())
    })
    .await
}

fn done(table: &mut Table, what: String, took: Duration) {
    say(&format!("    {what}: {} ms", took.as_millis()));
    table.alone(what, Figures::once(1, took));
}

/// `stack agents`: one agent for each key on standard input.
pub(crate) async fn run() -> Result<()> {
    hoop_runtime::process::install_crypto();
    let (_handle, drain) = Drain::new();
    for key in std::io::stdin().lock().lines() {
        let (key, providers) = (key?.parse()?, Providers::default());
        let config = Config { key, guard: None, private_files: None, providers };
        tokio::spawn(config.build()?.run(drain.clone()));
    }
    std::future::pending().await
}
