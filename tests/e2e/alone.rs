//! Tests that fill the machine or measure memory: `.config/nextest.toml` runs them alone.

use std::{process::Stdio, time::Duration};

use anyhow::{Context, ensure};
use hoop_tests::{Access, Gateway, Psql, cost::Cost, gateway::CONNECTION};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    time::{Instant, MissedTickBehavior, interval},
};

use crate::{Result, recording::finished};

/// What no process of ours may pass.
const MEMORY: u64 = 150 * 1024 * 1024;

fn peak_memory(gateway: &Gateway) -> Vec<(String, u64)> {
    gateway
        .services()
        .filter_map(|service| Some((service.name().to_owned(), service.cost()?.peak_memory)))
        .collect()
}

/// None of our processes, and the broker neither.
fn none_passes(gateway: &Gateway, limit: u64) -> Result {
    let broker = Cost::of(gateway.nats.pid().context("no broker")?)?.peak_memory;
    for (name, peak) in peak_memory(gateway).into_iter().chain([("nats".into(), broker)]) {
        ensure!(peak < limit, "{name} had {} MiB of memory", peak / 1024 / 1024);
    }
    Ok(())
}

/// Mebibytes that the large transfer has. `E2E_COPY_MIB=1024` for the whole gigabyte.
fn copy_size() -> u64 {
    let size = std::env::var_os("E2E_COPY_MIB").and_then(|text| text.to_str()?.parse().ok());
    size.unwrap_or(256)
}

async fn digest(access: &Access, sql: &str) -> Result<(u64, blake3::Hash)> {
    let mut child = access.psql().args(["-c", sql]).spawn()?;
    let (mut hasher, mut size) = (blake3::Hasher::new(), 0);
    let mut stdout = child.stdout.take().context("no output")?;
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let count = stdout.read(&mut buffer).await?;
        if count == 0 {
            break;
        }
        hasher.update(buffer.get(..count).unwrap_or_default());
        size += u64::try_from(count)?;
    }
    Psql(child.wait_with_output().await?).success()?;
    Ok((size, hasher.finalize()))
}

/// The data of all `CopyData` messages that were recorded.
async fn recorded_copy(gateway: &Gateway, id: &str) -> Result<(u64, blake3::Hash)> {
    let (mut hasher, mut size, mut pending) = (blake3::Hasher::new(), 0, Vec::new());
    let path = format!("/api/sessions/{id}/download?format=raw-out");
    let visit = |piece: &[u8]| {
        pending.extend_from_slice(piece);
        let mut used = 0;
        while let Some((kind, data)) = message(pending.get(used..).unwrap_or_default()) {
            if kind == b'd' {
                hasher.update(data);
                size += data.len() as u64;
            }
            used += 5 + data.len();
        }
        pending.drain(..used);
    };
    gateway.rest.download(&path, visit).await?;
    Ok((size, hasher.finalize()))
}

/// The first message in `bytes`, if all of it is there.
fn message(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let (kind, rest) = bytes.split_first()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    Some((*kind, rest.get(..length.checked_sub(4)?)?))
}

#[tokio::test]
async fn a_large_copy_across_two_edges_is_identical_and_takes_little_memory() -> Result {
    let gateway = Gateway::usual().await?;
    let lines = copy_size() * 1024;
    let sql = format!(
        "copy (select repeat(md5(i::text), 32) from generate_series(1, {lines}) i) to stdout"
    );
    let direct = digest(&gateway.target.direct(), &sql).await?;
    ensure!(copy_size() * 1024 * 1024 <= direct.0, "only {} bytes", direct.0);
    let through = digest(&gateway.access(1).await?, &sql).await?;
    ensure!(direct == through, "{direct:?} became {through:?}");
    none_passes(&gateway, MEMORY)?;
    let id = finished(&gateway.rest).await?;
    let recorded = recorded_copy(&gateway, &id).await?;
    ensure!(recorded == direct, "the recording holds {recorded:?}, not {direct:?}");
    none_passes(&gateway, MEMORY)
}

#[tokio::test]
async fn two_hundred_psql_at_once_all_succeed() -> Result {
    let gateway = Gateway::usual().await?;
    let access = gateway.access(1).await?;
    let mut sessions = tokio::task::JoinSet::new();
    for number in 0..200 {
        let access = gateway.through(access.clone(), number % 2)?;
        sessions.spawn(async move {
            let answer = access.answer(&format!("select {number}, pg_sleep(1)")).await?;
            ensure!(answer == format!("{number}|"), "{number} became {answer}");
            Ok(())
        });
    }
    while let Some(session) = sessions.join_next().await {
        session??;
    }
    none_passes(&gateway, MEMORY)?;
    hoop_testkit::eventually("all recordings to be finished", async || {
        let count = "select count(*) from sessions where state = 'done'";
        let done = gateway.run_on_state(count).await?;
        ensure!(done == "200", "{done} of 200");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_reader_of_one_kilobyte_a_second_keeps_memory_flat() -> Result {
    let gateway = Gateway::usual().await?;
    let access = gateway.access(1).await?;
    access.answer("select 1").await?;
    let before = peak_memory(&gateway);
    let sql = "copy (select repeat('x', 1000) from generate_series(1, 2000000)) to stdout";
    let mut child = access.psql().args(["-c", sql]).stdout(Stdio::piped()).spawn()?;
    let mut stdout = child.stdout.take().context("no output")?;
    read_slowly(&mut stdout, Duration::from_secs(12)).await?;
    // Others are not slowed down by it.
    let started = Instant::now();
    access.answer("select 1").await?;
    ensure!(started.elapsed() < Duration::from_secs(3), "it took {:?}", started.elapsed());
    for ((name, before), (_, after)) in before.into_iter().zip(peak_memory(&gateway)) {
        let grown = after.saturating_sub(before) / 1024 / 1024;
        ensure!(grown < 24, "{name} grew by {grown} MiB");
    }
    child.kill().await?;
    assert_eq!(gateway.rest.sessions(&format!("connection={CONNECTION}")).await?.len(), 3);
    Ok(())
}

/// One kilobyte each second.
async fn read_slowly(from: &mut (impl AsyncRead + Unpin), time: Duration) -> Result {
    let mut second = interval(Duration::from_secs(1));
    second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let started = Instant::now();
    let mut kilobyte = [0; 1024];
    while started.elapsed() < time {
        second.tick().await;
        from.read_exact(&mut kilobyte).await?;
    }
    Ok(())
}
