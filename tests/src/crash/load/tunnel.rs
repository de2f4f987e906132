//! What goes through the local port of `hoop connect`.

use std::time::Duration;

use anyhow::{Context, Result};
use hoop_testkit::Wire;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::Command,
};

use super::{Begun, Client, Kind, Place, Pulse, Site, Trouble, by_password, psql};
use crate::cli::Connected;

const BREATH: Duration = Duration::from_millis(30);

pub(super) async fn begin(site: &Site, place: Place, name: &str, pulse: Pulse) -> Result<Begun> {
    let behind = match place.kind {
        Kind::Echo => crate::echo().await?,
        _ => site.target.postgres.port(),
    };
    let target = Wire::keeping(behind).await?;
    site.connection(name, place.kind.connection_type(), place.agent, target.port).await?;
    let person = site.people.get(place.edge).context("nobody calls this edge")?;
    let connected = person.connect(name).await?;
    let client = Wire::keeping(connected.port).await?;
    let access = by_password(&site.target, client.port);
    let (port, echoes) = (client.port, place.kind == Kind::Echo);
    let task = tokio::spawn(async move {
        let passed =
            if echoes { echoed(port, pulse).await } else { psql::queries(access, pulse).await };
        hang_up(connected, passed).await
    });
    Ok((Client::Wire(client), Some(target), task))
}

/// Ends `hoop connect`; the command has to end as well as the traffic did.
async fn hang_up(mut connected: Connected, passed: Result<(), Trouble>) -> Result<(), Trouble> {
    passed?;
    let pid = connected.child.id().context("hoop connect ended by itself")?.to_string();
    Command::new("kill").args(["-s", "INT", &pid]).status().await?;
    let status = connected.child.wait().await?;
    if status.success() {
        return Ok(());
    }
    Err(Trouble::Broken(anyhow::anyhow!("hoop connect ended with {status}")))
}

/// Sends pieces of random size, and waits for each to come back.
async fn echoed(port: u16, mut pulse: Pulse) -> Result<(), Trouble> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let (mut sent, mut got) = (Vec::new(), Vec::new());
    loop {
        sent.clear();
        let words = pulse.random.within(1, 16 * 1024);
        for _ in 0..words {
            sent.extend_from_slice(&pulse.random.next().to_le_bytes());
        }
        got.resize(sent.len(), 0);
        let (mut read, mut write) = stream.split();
        let (written, received) = tokio::join!(write.write_all(&sent), read.read_exact(&mut got));
        written?;
        received?;
        if got != sent {
            return Err(Trouble::Wrong(format!("{} other bytes came back", got.len())));
        }
        if !pulse.goes_on(BREATH).await {
            stream.shutdown().await?;
            got.clear();
            stream.read_to_end(&mut got).await?;
            return Ok(());
        }
    }
}
