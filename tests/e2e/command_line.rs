//! The `hoop` command: signing in, agents, and TCP services on a local port.

use anyhow::ensure;
use hoop_tests::{Gateway, Options, Psql, cli::Person, echo, gateway::AGENT, rest::text};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::Result;

async fn with_echo() -> Result<Gateway> {
    let gateway = Gateway::usual().await?;
    let port = echo().await?.to_string();
    let secret = [("HOST", "127.0.0.1"), ("PORT", port.as_str())];
    gateway.rest.connection_create("echo", "tcp", AGENT, &secret, &[]).await?;
    Ok(gateway)
}

/// Sends `bytes` to `port` and says that it is done; what came back until the end.
pub(crate) async fn roundtrip(port: u16, bytes: Vec<u8>) -> Result<Vec<u8>> {
    let (mut read, mut write) = TcpStream::connect(("127.0.0.1", port)).await?.into_split();
    let sent = tokio::spawn(async move {
        write.write_all(&bytes).await?;
        write.shutdown().await
    });
    let mut back = Vec::new();
    read.read_to_end(&mut back).await?;
    sent.await??;
    Ok(back)
}

#[tokio::test]
async fn a_tcp_service_is_reached_over_several_connections_of_one_session() -> Result {
    let gateway = with_echo().await?;
    let person = Person::signed_in(&gateway).await?;
    let mut connected = person.connect("echo").await?;
    let mut clients = tokio::task::JoinSet::new();
    for number in 0..8_u8 {
        let port = connected.port;
        clients.spawn(async move {
            let bytes = vec![number; 1_000_000 + usize::from(number)];
            ensure!(
                roundtrip(port, bytes.clone()).await? == bytes,
                "client {number} got something else"
            );
            Ok(())
        });
    }
    while let Some(client) = clients.join_next().await {
        client??;
    }
    let pid = connected.child.id().unwrap_or_default().to_string();
    tokio::process::Command::new("kill").args(["-s", "INT", &pid]).status().await?;
    connected.child.wait().await?;
    let session = gateway.rest.session_done(&connected.session).await?;
    assert_eq!(text(&session, "end_reason"), "client_closed", "{session}");
    assert_eq!(gateway.rest.sessions("connection=echo").await?.len(), 1);
    let recording = gateway.rest.recording(&connected.session).await?;
    recording.is_complete()?;
    assert_eq!(recording.output_bytes()?.len(), 8_000_028);
    Ok(())
}

#[tokio::test]
async fn a_tcp_service_that_is_down_ends_a_connection_and_not_the_session() -> Result {
    let gateway = Gateway::usual().await?;
    let port = hoop_testkit::free_port()?;
    let text_port = port.to_string();
    let secret = [("HOST", "127.0.0.1"), ("PORT", text_port.as_str())];
    gateway.rest.connection_create("down", "tcp", AGENT, &secret, &[]).await?;
    let person = Person::signed_in(&gateway).await?;
    let connected = person.connect("down").await?;
    // A reset is as good as an end.
    let back = roundtrip(connected.port, b"hello".to_vec()).await.unwrap_or_default();
    ensure!(back.is_empty(), "{back:?}");
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let answering = tokio::spawn(async move {
        let (mut client, _) = listener.accept().await?;
        client.write_all(b"welcome").await
    });
    assert_eq!(roundtrip(connected.port, Vec::new()).await?, b"welcome");
    answering.await??;
    Ok(())
}

#[tokio::test]
async fn a_killed_session_ends_the_command_with_the_reason() -> Result {
    let gateway = with_echo().await?;
    let person = Person::signed_in(&gateway).await?;
    let mut connected = person.connect("echo").await?;
    gateway.rest.session_kill(&connected.session).await?;
    let status = connected.child.wait().await?;
    ensure!(!status.success(), "it ended as if all were well");
    Ok(())
}

#[tokio::test]
async fn connections_that_do_not_exist_are_refused_in_words() -> Result {
    let gateway = Gateway::usual().await?;
    let person = Person::signed_in(&gateway).await?;
    for (name, words) in [("nothing", "no such connection"), ("../x", "name")] {
        let output = person.hoop(&["connect", name, "--port", "0"])?.output().await?;
        let complaint = Psql(output).failure()?;
        ensure!(complaint.contains(words), "{name}: {complaint}");
    }
    Ok(())
}

#[tokio::test]
async fn administrators_make_see_and_delete_agents() -> Result {
    let gateway = Gateway::start_without_agent(Options::default()).await?;
    let person = Person::signed_in(&gateway).await?;
    let key = person.run(&["admin", "create", "agent", "dev"]).await?;
    ensure!(key.starts_with("grpc://dev:xagt-") && key.lines().count() == 1, "{key}");
    let table = person.run(&["admin", "get", "agents"]).await?;
    ensure!(table.starts_with("UID"), "{table}");
    let row = table.lines().find(|line| line.contains("dev")).unwrap_or_default();
    ensure!(row.contains("OFFLINE"), "{table}");
    person.run(&["admin", "delete", "agent", "dev"]).await?;
    let table = person.run(&["admin", "get", "agents"]).await?;
    ensure!(!table.contains("dev"), "{table}");
    Ok(())
}

#[tokio::test]
async fn who_has_not_signed_in_is_told_how() -> Result {
    let person = Person::new()?;
    let output = person.hoop(&["admin", "get", "agents"])?.output().await?;
    let complaint = Psql(output).failure()?;
    ensure!(complaint.contains("hoop login"), "{complaint}");
    Ok(())
}
