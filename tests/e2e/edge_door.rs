//! The doors of an edge: load balancers, health checks, and those who knock and say nothing sensible.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use hoop_proto::{HealthCheckRequest, transport_client::TransportClient};
use hoop_tests::{Gateway, Options, Psql};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tonic_health::pb::{
    HealthCheckRequest as StandardRequest, health_check_response::ServingStatus,
    health_client::HealthClient,
};

use crate::{Result, lies::caller::channel};

async fn one_edge() -> Result<Gateway> {
    Gateway::start_without_agent(Options { edges: 1, ..Options::default() }).await
}

#[tokio::test]
async fn a_plain_get_is_answered_with_200() -> Result {
    let gateway = one_edge().await?;
    let answer = reqwest::get(format!("http://127.0.0.1:{}/", gateway.edge(0)?.grpc)).await?;
    assert_eq!(answer.status(), 200);
    Ok(())
}

#[tokio::test]
async fn both_health_services_say_that_it_serves() -> Result {
    let gateway = one_edge().await?;
    let port = gateway.edge(0)?.grpc;
    let standard = HealthClient::new(channel(port).await?)
        .check(StandardRequest { service: "protobuf.Transport".to_owned() })
        .await?
        .into_inner();
    assert_eq!(standard.status(), ServingStatus::Serving);
    let mut ours = TransportClient::new(channel(port).await?);
    let ours = ours.health_check(HealthCheckRequest {}).await?;
    assert!(ours.into_inner().serving);
    Ok(())
}

#[tokio::test]
async fn a_client_that_says_nothing_blocks_nobody_and_is_cut() -> Result {
    let gateway = Gateway::usual().await?;
    let started = Instant::now();
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(TcpStream::connect(("127.0.0.1", gateway.edge(1)?.pg)).await?);
    }
    assert_eq!(gateway.access(1).await?.answer("select 1").await?, "1");
    ensure!(started.elapsed() < Duration::from_secs(8), "the silent clients blocked another");
    for mut client in silent {
        let mut said = Vec::new();
        // A reset is as good as an end.
        let _cut = client.read_to_end(&mut said).await;
    }
    ensure!(started.elapsed() < Duration::from_secs(25), "it took {:?}", started.elapsed());
    Ok(())
}

#[tokio::test]
async fn malformed_beginnings_are_answered_and_end_one_connection() -> Result {
    let gateway = Gateway::usual().await?;
    let beginnings: [&[u8]; 6] = [
        b"GET / HTTP/1.1\r\nhost: x\r\n\r\n",
        &[0xff; 64],
        &[0, 0, 0, 0],
        &[0, 0, 0, 8, 0, 3, 0, 0],
        &[0, 0, 0, 9, 0, 9, 0, 0, 0],
        b"\x7f\xff\xff\xff\x00\x03\x00\x00user\0x\0",
    ];
    for beginning in beginnings {
        let mut client = TcpStream::connect(("127.0.0.1", gateway.edge(1)?.pg)).await?;
        client.write_all(beginning).await?;
        client.shutdown().await?;
        let mut said = Vec::new();
        let _cut = client.read_to_end(&mut said).await;
        ensure!(
            said.is_empty() || said.first() == Some(&b'E'),
            "{beginning:?} was answered {said:?}"
        );
    }
    assert_eq!(gateway.access(1).await?.answer("select 1").await?, "1");
    Ok(())
}

#[tokio::test]
async fn who_asks_for_gss_encryption_is_told_no_and_may_go_on() -> Result {
    let gateway = one_edge().await?;
    let mut client = TcpStream::connect(("127.0.0.1", gateway.edge(0)?.pg)).await?;
    client.write_all(&[0, 0, 0, 8, 4, 0xd2, 0x16, 0x30]).await?;
    assert_eq!(client.read_u8().await?, b'N');
    client.write_all(&[0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f]).await?;
    assert_eq!(client.read_u8().await?, b'S');
    Ok(())
}

#[tokio::test]
async fn the_login_can_be_bound_to_the_tls_channel() -> Result {
    let gateway = Gateway::usual().await?;
    let output = gateway
        .access(1)
        .await?
        .psql()
        .env("PGSSLMODE", "require")
        .env("PGCHANNELBINDING", "require")
        .args(["-At", "-c", "select 1"])
        .output()
        .await?;
    assert_eq!(Psql(output).success()?, "1");
    Ok(())
}

#[tokio::test]
async fn after_sigterm_running_sessions_end_in_peace_and_new_ones_go_elsewhere() -> Result {
    let mut gateway = Gateway::usual().await?;
    let access = gateway.access(1).await?;
    let psql = access.psql().args(["-At", "-c", "select pg_sleep(3), 'rested'"]).spawn()?;
    crate::ending::running(&gateway, "rested").await?;
    let pg = gateway.edge(1)?.pg;
    gateway.edge_mut(1)?.process()?.signal("TERM")?;
    let refused =
        hoop_testkit::eventually(
            "the edge to refuse newcomers",
            async || match TcpStream::connect(("127.0.0.1", pg)).await {
                Err(_) => Ok(()),
                Ok(_) => access.query("select 1").await?.failure().map(|_| ()),
            },
        );
    refused.await?;
    let output = Psql(psql.wait_with_output().await.context("wait for psql")?);
    ensure!(output.success()?.contains("rested"), "{output:?}");
    gateway.edge_mut(1)?.drained()?;
    let through_the_other = gateway.through(access, 0)?;
    assert_eq!(through_the_other.answer("select 1").await?, "1");
    Ok(())
}
