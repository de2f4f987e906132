//! The load: PostgreSQL's own programs.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

use super::Figures;
use crate::{Access, Psql};

/// Makes pgbench's tables.
pub(super) async fn prepare(access: &Access) -> Result<()> {
    let output = access.command("pgbench").args(["-i", "-q", "-s", "1"]).output().await?;
    Psql(output).success().map(|_| ())
}

/// `pgbench -S`: the time of each transaction, less the first tenth of them.
pub(super) async fn pgbench(access: &Access, clients: u32, transactions: u32) -> Result<Figures> {
    let folder = tempfile::tempdir()?;
    let (clients, transactions) = (clients.to_string(), transactions.to_string());
    let output = access
        .command("pgbench")
        .args(["-S", "-n", "-M", "simple", "-l", "-c", &clients, "-j", "1", "-t", &transactions])
        .current_dir(folder.path())
        .output()
        .await?;
    Psql(output).success()?;
    let mut durations = Vec::new();
    for entry in folder.path().read_dir()? {
        let text = std::fs::read_to_string(entry?.path())?;
        for line in text.lines().skip(text.lines().count() / 10) {
            // client, transaction, microseconds, …
            let micros = line.split(' ').nth(2).context("pgbench's log has another form")?;
            durations.push(Duration::from_micros(micros.parse()?));
        }
    }
    Ok(Figures::of(durations))
}

/// `count` times psql, one after another.
pub(super) async fn logins(access: &Access, count: u32) -> Result<Duration> {
    let started = Instant::now();
    for _ in 0..count {
        access.answer("select 1").await?;
    }
    Ok(started.elapsed())
}

/// A result of `mebibytes`, thrown away by psql.
pub(super) async fn copy(access: &Access, mebibytes: u64) -> Result<Duration> {
    let lines = mebibytes * 1024;
    let sql = format!(
        "copy (select repeat(md5(i::text), 32) from generate_series(1, {lines}) i) to stdout"
    );
    let started = Instant::now();
    let output = access.psql().args(["-c", &sql]).stdout(Stdio::null()).output().await?;
    Psql(output).success()?;
    Ok(started.elapsed())
}
