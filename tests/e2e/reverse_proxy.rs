//! Behind a real nginx, with the very configurations that the guide shows.

mod narrow;
mod patience;
mod sign_in;
mod websocket;

use std::net::IpAddr;

use anyhow::{Context, ensure};
use hoop_proto::{self as proto, down, transport_client::TransportClient};
use hoop_testkit::eventually;
use hoop_tests::{
    Gateway, Options, Proxied, Psql, echo,
    gateway::{ADMIN, AGENT, CONNECTION},
    proxied::Setup,
    rest::text,
};
use reqwest::Method;
use serde_json::json;
use tonic::{Request, transport::Endpoint};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use crate::{
    Result,
    command_line::roundtrip,
    command_line_admin::make,
    lies::caller::{call, hello},
    live::{Talker, live},
};

/// With `nginx` as a proxy that is believed.
fn trusting() -> Options {
    let options = Options::default();
    options.with("api", "TRUSTED_PROXIES", "127.0.0.1").with(
        "grpc-edge",
        "TRUSTED_PROXIES",
        "127.0.0.1",
    )
}

async fn everything_works(setup: Setup) -> Result {
    let mut proxied = Proxied::start(setup, trusting()).await?;
    let person = proxied.signed_in().await?;
    make(&person, "cat", &["cat"]).await?;
    // Larger than nginx lets through where nobody says otherwise.
    let bytes: Vec<u8> =
        (0..1_000_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let output = person.feed(&["exec", "cat"], bytes.clone()).await?;
    ensure!(output.status.success(), "{}", Psql(output).complaint());
    ensure!(output.stdout == bytes, "{} bytes came back, not the same", output.stdout.len());
    let port = echo().await?.to_string();
    let secret = [("HOST", "127.0.0.1"), ("PORT", port.as_str())];
    proxied.gateway.rest.connection_create("echo", "tcp", AGENT, &secret, &[]).await?;
    let mut connected = person.connect("echo").await?;
    assert_eq!(roundtrip(connected.port, bytes.clone()).await?, bytes);
    connected.child.start_kill()?;
    let complaints = proxied.nginx.complaints();
    ensure!(!complaints.contains("timed out"), "{complaints}");
    proxied.gateway.stop()
}

#[tokio::test]
async fn rest_command_line_and_agent_work_through_one_port() -> Result {
    everything_works(Setup::SinglePort).await
}

#[tokio::test]
async fn rest_command_line_and_agent_work_through_two_ports() -> Result {
    everything_works(Setup::TwoPorts).await?;
    Ok(())
}

#[tokio::test]
async fn the_grpc_port_is_healthy_for_a_load_balancer_in_front() -> Result {
    let proxied = Proxied::without_agent(Setup::TwoPorts, trusting(), |text| text).await?;
    let grpc = proxied.grpc_url.replace("grpcs://", "https://");
    let rest =
        hoop_tests::Rest::through(&grpc, &std::fs::read(&proxied.authority)?, [127, 0, 0, 1])?;
    let answer = rest.send(Method::GET, "/", json!(null)).await?;
    assert_eq!((answer.status.as_u16(), answer.body), (200, json!("ok\n")));
    Ok(())
}

/// A stream through nginx that is quiet for longer than nginx waits goes on as long as both
/// ends say something in time. How long nginx waits is seen at a stream that says nothing.
#[tokio::test]
async fn an_idle_session_outlives_the_proxys_patience() -> Result {
    let options = trusting().with("grpc-edge", "EDGE_KEEP_ALIVE", "1s");
    let impatient = |text: String| text.replace("grpc_read_timeout   60s", "grpc_read_timeout 5s");
    let proxied = Proxied::start_with(Setup::TwoPorts, options, impatient).await?;
    let person = proxied.signed_in().await?;
    make(&person, "bash", &["bash", "-s"]).await?;
    // Reads nothing until its input ends, and so nothing passes either way.
    let mut quiet = person.hoop(&["exec", "bash"])?.stdin(std::process::Stdio::piped()).spawn()?;
    eventually("the session to be open", async || {
        let sessions = proxied.gateway.rest.get("/api/sessions?connection=bash").await?;
        ensure!(sessions.to_string().contains("\"open\""), "{sessions}");
        Ok(())
    })
    .await?;
    // Twice in a row, so that the quiet session was quiet for longer than nginx's patience.
    for _ in 0..2 {
        silent_stream_is_cut(&proxied).await?;
    }
    let mut stdin = quiet.stdin.take().context("no standard input")?;
    tokio::io::AsyncWriteExt::write_all(&mut stdin, b"echo still here").await?;
    drop(stdin);
    assert_eq!(Psql(quiet.wait_with_output().await?).success()?, "still here");
    let (resumed, complaints) =
        (proxied.gateway.agents.first().context("no agent")?.log(), proxied.nginx.complaints());
    ensure!(!resumed.contains("goes on at another stream"), "{resumed}");
    assert_eq!(complaints.matches("upstream timed out").count(), 2, "{complaints}");
    Ok(())
}

/// Waits until nginx has given up a stream that says nothing: one that tells of changes of the
/// edge's health, of which there are none.
async fn silent_stream_is_cut(proxied: &Proxied) -> Result {
    let mut health = HealthClient::new(tls(proxied, [127, 0, 0, 1])?.connect().await?);
    let service = "protobuf.Transport".to_owned();
    let mut changes = health.watch(HealthCheckRequest { service }).await?.into_inner();
    while let Ok(Some(_)) = changes.message().await {}
    Ok(())
}

fn tls(proxied: &Proxied, local: [u8; 4]) -> Result<Endpoint> {
    let authority = tonic::transport::Certificate::from_pem(std::fs::read(&proxied.authority)?);
    let tls = tonic::transport::ClientTlsConfig::new().ca_certificate(authority);
    let url = proxied.grpc_url.replace("grpcs://", "https://");
    let endpoint = Endpoint::from_shared(url)?.tls_config(tls)?;
    Ok(endpoint.local_address(Some(IpAddr::from(local))))
}

#[tokio::test]
async fn events_come_through_the_proxy_when_they_happen() -> Result {
    events_come_at_once(Setup::SinglePort).await
}

async fn events_come_at_once(setup: Setup) -> Result {
    let proxied = Proxied::start(setup, trusting()).await?;
    let mut psql = Talker::start(&proxied.gateway.access(0).await?)?;
    psql.tell("select 'the first'").await?;
    let id = live(&proxied.gateway.rest).await?;
    let through = proxied.rest_from([127, 0, 0, 1])?;
    // The session is open and quiet, so whatever is not there yet would not come.
    let tail = through.tail(&id, None, |tail| 4 <= tail.packets.len()).await?;
    ensure!(tail.end.is_none() && tail.error.is_none(), "{tail:?}");
    let (last, _) = tail.packets.last().context("nothing was told")?;
    psql.tell("select 'the second'").await?;
    let more = through.tail(&id, Some(last.as_str()), |tail| !tail.packets.is_empty()).await?;
    ensure!(more.end.is_none() && !more.packets.is_empty(), "{more:?}");
    psql.end().await
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_by_the_api_itself() -> Result {
    let proxied = Proxied::without_agent(Setup::SinglePort, trusting(), |text| text).await?;
    let body = json!({ "name": "x".repeat(1_500_000) });
    let rest = proxied.rest_from([127, 0, 0, 1])?;
    let answer = rest.send(Method::POST, "/api/agents", body).await?;
    assert_eq!(answer.status, 413);
    assert_eq!(answer.message(), "the request body is larger than 1 MiB");
    Ok(())
}

#[tokio::test]
async fn the_proxys_client_is_noted_and_what_it_says_of_itself_is_not() -> Result {
    let proxied = Proxied::start(Setup::SinglePort, trusting()).await?;
    let gateway = &proxied.gateway;
    let noted = async || {
        gateway.run_on_state("select client from audit_log order by id desc limit 1").await
    };
    // Through nginx, which overwrites what a client claims.
    let far = proxied.rest_from([127, 0, 0, 2])?.claiming("x-forwarded-for", "203.0.113.9")?;
    far.post("/api/users/groups", json!({ "name": "one" })).await?;
    assert_eq!(noted().await?, "127.0.0.2");
    // Past nginx, from an address that is none of its own.
    let near = gateway.rest.from_address([127, 0, 0, 3])?;
    let near = near.claiming("x-forwarded-for", "203.0.113.9")?;
    near.post("/api/users/groups", json!({ "name": "two" })).await?;
    assert_eq!(noted().await?, "127.0.0.3");

    // A session, the same ways.
    let bearer = format!("Bearer {}", gateway.rest.token().context("not logged in")?);
    let mut client = TransportClient::new(tls(&proxied, [127, 0, 0, 2])?.connect().await?);
    let frames = tokio_stream::once(proto::Up { frame: Some(hello(CONNECTION)) });
    let mut request = Request::new(tokio_stream::StreamExt::chain(frames, tokio_stream::pending()));
    request.metadata_mut().insert("authorization", bearer.parse()?);
    request.metadata_mut().insert("x-forwarded-for", "203.0.113.9".parse()?);
    let mut answer = client.connect(request).await?.into_inner();
    let first = answer.message().await?.and_then(|down| down.frame);
    ensure!(matches!(first, Some(down::Frame::SessionOpened(_))), "{first:?}");
    let session = gateway.rest.only_session(CONNECTION).await?;
    assert_eq!(text(&session, "client_address"), "127.0.0.2");
    Ok(())
}

#[tokio::test]
async fn a_forwarded_address_counts_from_a_trusted_peer_only() -> Result {
    for (trusted, expected) in [("127.0.0.1", "198.51.100.7"), ("127.0.0.9", "127.0.0.1:")] {
        let options = Options { edges: 1, ..Options::default() };
        let options = options.with("grpc-edge", "TRUSTED_PROXIES", trusted);
        let gateway = Gateway::start(options).await?;
        let bearer = format!("Bearer {}", gateway.rest.token().context("not logged in")?);
        let metadata = [("authorization", bearer.as_str()), ("x-forwarded-for", "198.51.100.7")];
        let mut stream = call(gateway.edge(0)?.grpc, &metadata).await?;
        stream.send(hello(CONNECTION)).await?;
        stream.until(|frame| matches!(frame, down::Frame::SessionOpened(_)).then_some(())).await?;
        let session = gateway.rest.only_session(CONNECTION).await?;
        let noted = text(&session, "client_address");
        ensure!(noted.starts_with(expected), "{trusted}: {noted}");
    }
    Ok(())
}

#[tokio::test]
async fn who_guesses_through_the_proxy_locks_nobody_else_out() -> Result {
    let proxied = Proxied::without_agent(Setup::SinglePort, trusting(), |text| text).await?;
    let attempt = async |from: [u8; 4], claims: &str, password: &str| {
        let rest = proxied.rest_from(from)?.with_token(None);
        let rest = rest.claiming("x-forwarded-for", claims)?;
        let body = json!({ "email": ADMIN, "password": password });
        anyhow::Ok(rest.send(Method::POST, "/api/login", body).await?.status.as_u16())
    };
    let mut answers = Vec::new();
    for number in 0..25 {
        // Claiming to be somebody else each time is no way out.
        answers.push(attempt([127, 0, 0, 2], &format!("203.0.113.{number}"), "wrong").await?);
    }
    ensure!(answers.starts_with(&[401; 20]) && answers.ends_with(&[429]), "{answers:?}");
    let password = proxied.gateway.keys.admin_password.clone();
    assert_eq!(attempt([127, 0, 0, 2], "", &password).await?, 429);
    assert_eq!(attempt([127, 0, 0, 3], "127.0.0.2", &password).await?, 200);
    Ok(())
}
