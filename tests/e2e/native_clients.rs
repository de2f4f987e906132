//! What the newest clients can do that older ones can't, and very many that do nothing.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use hoop_tests::{Gateway, Psql};
use tokio::{io::AsyncReadExt, net::TcpStream};

use crate::{Result, drivers::psycopg};

#[tokio::test]
async fn tls_may_begin_with_the_first_byte() -> Result {
    psycopg(&Gateway::usual().await?, "direct_tls.py").await
}

#[tokio::test]
async fn protocol_3_2_is_spoken_and_its_long_keys_cancel() -> Result {
    psycopg(&Gateway::usual().await?, "protocol_3_2.py").await
}

#[tokio::test]
async fn a_pipeline_works_and_an_error_in_it_skips_what_it_should() -> Result {
    psycopg(&Gateway::usual().await?, "pipeline.py").await
}

/// As many as may be in their login at a time.
const THOUSAND: usize = 1000;

#[tokio::test]
async fn a_thousand_silent_clients_hold_up_no_login_and_are_cut_after_ten_seconds() -> Result {
    let gateway = Gateway::usual().await?;
    let access = gateway.access(1).await?;
    let port = gateway.edge(1)?.pg;
    let started = Instant::now();
    let mut silent = Vec::new();
    for number in 0..THOUSAND {
        let client = TcpStream::connect(("127.0.0.1", port)).await;
        silent.push(client.with_context(|| format!("silent client {number}"))?);
    }
    assert_eq!(access.answer("select 1").await?, "1");
    let pgbench = access.command("pgbench").args(["-i", "-q"]).output().await?;
    Psql(pgbench).success()?;
    ensure!(started.elapsed() < Duration::from_secs(10), "the silent clients held up a login");
    let last = silent.pop().context("no client")?;
    for client in silent {
        cut(client).await?;
    }
    cut(last).await?;
    let took = started.elapsed();
    ensure!(Duration::from_secs(9) < took && took < Duration::from_secs(25), "it took {took:?}");
    Ok(())
}

/// Waits until the listener hangs up, without a word.
async fn cut(mut client: TcpStream) -> Result {
    let mut said = Vec::new();
    // A reset is as good as an end.
    let _cut = client.read_to_end(&mut said).await;
    ensure!(said.is_empty(), "{}", said.escape_ascii());
    Ok(())
}
