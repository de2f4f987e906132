//! How long a live session stands still when an edge under it is killed.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use hoop_testkit::eventually;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
};

use super::{Figures, Table};
use crate::{Balanced, stack::say};

/// The edges of the two ends.
const ENDS: [(&str, usize); 2] = [("client", 1), ("agent", 0)];

/// Messages before and after the kill.
const ENOUGH: u64 = 200;

/// Kills the edge of each end so many times, under a tunnel that carries one small message
/// after another.
pub(super) async fn measure(times: u32, logs: PathBuf, table: &mut Table) -> Result<()> {
    let mut world = Balanced::start(Some(logs)).await?;
    for (end, edge) in ENDS {
        let mut pauses = Vec::new();
        for number in 1..=times {
            let pause = pause(&mut world, edge).await.with_context(|| format!("{end}'s edge"))?;
            say(&format!("    {number}. {end}'s edge: {} ms", pause.as_millis()));
            pauses.push(pause);
        }
        let took = pauses.iter().sum();
        table.alone(format!("pause when the {end}'s edge is killed"), Figures::of(pauses, took));
    }
    world.gateway.stop()
}

async fn pause(world: &mut Balanced, edge: usize) -> Result<Duration> {
    let connected = world.person.connect("echo").await?;
    let messages = Messages::begin(connected.port).await?;
    messages.more(ENOUGH).await?;
    world.gateway.edge_mut(edge)?.kill()?;
    messages.more(ENOUGH).await?;
    let pause = messages.end().await?;
    world.gateway.edge_mut(edge)?.start()?;
    // The agent, which moved with its edge, comes back to it.
    world.inner.reset();
    let service = world.gateway.edge_mut(0)?;
    eventually("the agent to be back at its edge", async || {
        let there = service.metric("hoop_agents_connected").await?;
        ensure!(0.0 < there, "it is not");
        Ok(())
    })
    .await?;
    Ok(pause)
}

/// One message after another, each answered before the next.
struct Messages {
    count: Arc<AtomicU64>,
    task: JoinHandle<Result<Duration>>,
    stop: Arc<AtomicU64>,
}

impl Messages {
    async fn begin(port: u16) -> Result<Self> {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        let (count, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let (counted, stopped) = (Arc::clone(&count), Arc::clone(&stop));
        let task = tokio::spawn(async move {
            let mut longest = Duration::ZERO;
            while stopped.load(Ordering::Relaxed) == 0 {
                let (sent, at) = (counted.load(Ordering::Relaxed), Instant::now());
                stream.write_u64(sent).await?;
                ensure!(stream.read_u64().await? == sent, "another message came back");
                longest = longest.max(at.elapsed());
                counted.fetch_add(1, Ordering::Relaxed);
            }
            Ok(longest)
        });
        Ok(Self { count, task, stop })
    }

    /// Waits until so many more were answered.
    async fn more(&self, more: u64) -> Result<()> {
        let before = self.count.load(Ordering::Relaxed);
        eventually("messages to be answered", async || {
            let now = self.count.load(Ordering::Relaxed);
            ensure!(before + more <= now, "{now} are");
            Ok(())
        })
        .await
    }

    /// The longest time that one took.
    async fn end(self) -> Result<Duration> {
        self.stop.store(1, Ordering::Relaxed);
        self.task.await?
    }
}
