//! Quiet for longer than nginx waits, with the documented 60 s and every default of ours.

use std::process::Stdio;

use anyhow::{Context, ensure};
use hoop_testkit::eventually;
use hoop_tests::{Proxied, Psql, proxied::Setup, rest::text};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::trusting;
use crate::{
    Result,
    command_line_admin::make,
    websocket::{Socket, bearer},
};

/// It takes a minute: so long nginx waits for streams, and for whoever connects and says nothing.
#[tokio::test]
async fn what_is_quiet_for_a_minute_goes_on_with_nothing_set() -> Result {
    let proxied = Proxied::start(Setup::TwoPorts, trusting()).await?;
    let person = proxied.signed_in().await?;
    make(&person, "bash", &["bash", "-s"]).await?;
    // Reads nothing until its input ends, and so nothing passes either way.
    let mut quiet = person.hoop(&["exec", "bash"])?.stdin(Stdio::piped()).spawn()?;
    let rest = proxied.rest_from([127, 0, 0, 1])?;
    let id = eventually("the command to run", async || {
        let id = text(&rest.only_session("bash").await?, "id").to_owned();
        let packets = rest.get(&format!("/api/sessions/{id}/packets")).await?;
        ensure!(packets.to_string().contains("channel_ready"), "{packets}");
        Ok(id)
    })
    .await?;
    let events = {
        let (rest, id) = (rest.clone(), id.clone());
        tokio::spawn(async move { rest.tail(&id, None, |_| false).await })
    };
    let signed = bearer(&proxied.gateway)?;
    let signed = [("authorization", signed.as_str())];
    let socket = Socket::follow(&proxied.api_url, Some(&proxied.authority), &id, &signed).await?;
    let socket = tokio::spawn(socket.until_the_end());

    nginx_hangs_up(&proxied).await?;
    let mut stdin = quiet.stdin.take().context("no standard input")?;
    stdin.write_all(b"echo still here").await?;
    drop(stdin);
    assert_eq!(Psql(quiet.wait_with_output().await?).success()?, "still here");
    let tail = events.await??;
    ensure!(tail.end.is_some(), "{tail:?}");
    let told = socket.await??;
    assert_eq!(told.closed.0, 1000, "{}", told.closed.1);
    // The tails tell the same: all packets, and the end.
    assert_eq!(told.events.len(), tail.packets.len() + 1);
    let (agent, complaints) =
        (proxied.gateway.agents.first().context("no agent")?.log(), proxied.nginx.complaints());
    ensure!(!agent.contains("goes on at another stream"), "{agent}");
    ensure!(!agent.contains("not connected"), "its control stream broke: {agent}");
    ensure!(!complaints.contains("upstream timed out"), "{complaints}");
    Ok(())
}

/// Waits until nginx has given up a connection on which nothing is said. A stream to an edge
/// would not do: the edge's PINGs count.
async fn nginx_hangs_up(proxied: &Proxied) -> Result {
    let (_, port) = proxied.grpc_url.rsplit_once(':').context("the address has no port")?;
    let mut silent = TcpStream::connect(("127.0.0.1", port.parse()?)).await?;
    let mut nothing = [0];
    // It may hang up politely or not.
    let heard = silent.read(&mut nothing).await.unwrap_or(0);
    ensure!(heard == 0, "nginx said something");
    Ok(())
}
