//! The load: PostgreSQL's own programs.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin},
};

use super::Figures;
use crate::{Access, Psql};

/// Makes pgbench's tables, and one to copy into.
pub(super) async fn prepare(access: &Access) -> Result<()> {
    let output = access.command("pgbench").args(["-i", "-q", "-s", "1"]).output().await?;
    Psql(output).success()?;
    access.answer("create unlogged table copied (line text)").await.map(drop)
}

/// `pgbench -S`: the time of each transaction, less the first tenth of them.
pub(super) async fn pgbench(
    access: &Access,
    mode: &str,
    clients: u32,
    transactions: u32,
) -> Result<Figures> {
    let folder = tempfile::tempdir()?;
    let (clients, transactions) = (clients.to_string(), transactions.to_string());
    let started = Instant::now();
    let output = access
        .command("pgbench")
        .args(["-S", "-n", "-M", mode, "-l", "-c", &clients, "-j", "1", "-t", &transactions])
        .current_dir(folder.path())
        .output()
        .await?;
    let took = started.elapsed();
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
    Ok(Figures::of(durations, took))
}

/// `count` times psql, one after another.
pub(super) async fn logins(access: &Access, count: u32) -> Result<Vec<Duration>> {
    let mut durations = Vec::new();
    for _ in 0..count {
        let started = Instant::now();
        access.answer("select 1").await?;
        durations.push(started.elapsed());
    }
    Ok(durations)
}

/// A result of `mebibytes`, thrown away by psql.
pub(super) async fn copy_out(access: &Access, mebibytes: u32) -> Result<Duration> {
    let lines = mebibytes * 1024;
    let sql = format!(
        "copy (select repeat(md5(i::text), 32) from generate_series(1, {lines}) i) to stdout"
    );
    thrown_away(access, &sql).await
}

/// `count` rows of a number and a word.
pub(super) async fn small_rows(access: &Access, count: u32) -> Result<Duration> {
    let sql = format!("select i, 'word' from generate_series(1, {count}) i");
    thrown_away(access, &sql).await
}

async fn thrown_away(access: &Access, sql: &str) -> Result<Duration> {
    let started = Instant::now();
    let output = access.psql().args(["-At", "-c", sql]).stdout(Stdio::null()).output().await?;
    Psql(output).success()?;
    Ok(started.elapsed())
}

/// `mebibytes` into a table, and out of it again beside the clock.
pub(super) async fn copy_in(access: &Access, mebibytes: u32) -> Result<Duration> {
    let lines = "0123456789abcdef".repeat(63) + "0123456789abcde\n";
    let piece = lines.repeat(1024);
    let started = Instant::now();
    let mut psql = access.psql();
    let mut child =
        psql.args(["-q", "-c", "copy copied from stdin"]).stdin(Stdio::piped()).spawn()?;
    let mut stdin = child.stdin.take().context("no standard input")?;
    for _ in 0..mebibytes {
        stdin.write_all(piece.as_bytes()).await?;
    }
    drop(stdin);
    Psql(child.wait_with_output().await?).success()?;
    let took = started.elapsed();
    access.answer("truncate copied").await?;
    Ok(took)
}

/// A session that does nothing until it is dropped.
pub(super) async fn idle(access: &Access) -> Result<(Child, ChildStdin)> {
    let mut child = access.psql().args(["-At", "-q"]).stdin(Stdio::piped()).spawn()?;
    let mut stdin = child.stdin.take().context("no standard input")?;
    stdin.write_all(b"select 'here';\n").await?;
    let stdout = child.stdout.take().context("no standard output")?;
    BufReader::new(stdout).lines().next_line().await?.context("psql ended")?;
    Ok((child, stdin))
}
