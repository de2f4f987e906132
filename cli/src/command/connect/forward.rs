//! Passes on the bytes of local connections until Ctrl-C.

use std::time::Duration;

use anyhow::Result;
use tokio::{
    net::{TcpListener, TcpStream},
    signal::unix::{SignalKind, signal},
    task::JoinSet,
    time::timeout,
};

use crate::{command::open::command::Farewell, output::say};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Connects whatever comes to `listener` with `target`.
pub(super) async fn run(listener: TcpListener, target: (String, u16)) -> Result<()> {
    let mut connections = JoinSet::new();
    let mut farewell = Farewell::new()?;
    // Made once: a signal that comes while something else is handled must not be lost.
    let mut interrupt = signal(SignalKind::interrupt())?;
    loop {
        tokio::select! {
            biased;
            _ = interrupt.recv() => break,
            _ = farewell.came() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => {
                    connections.spawn(pass(socket, target.clone()));
                }
                // Out of file descriptors, mostly: those that are open may go on.
                Err(error) => {
                    say(&format!("a local connection was not accepted: {error}"));
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
        }
    }
    Ok(())
}

async fn pass(mut local: TcpStream, (host, port): (String, u16)) {
    let _ = local.set_nodelay(true);
    let dialed = timeout(CONNECT_TIMEOUT, TcpStream::connect((host.as_str(), port))).await;
    match dialed {
        Ok(Ok(mut remote)) => {
            let _ = remote.set_nodelay(true);
            // How it ends, both sides have heard.
            let _ = tokio::io::copy_bidirectional(&mut local, &mut remote).await;
        }
        Ok(Err(error)) => {
            say(&format!("the gateway's port {host}:{port} was not reached: {error}"));
        }
        Err(_) => say(&format!("the gateway's port {host}:{port} did not answer within 10 s")),
    }
}
