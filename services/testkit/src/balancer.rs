//! A load balancer for TCP, on loopback: each connection goes to one of several servers, and
//! to another one when that is down.

use std::{
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use anyhow::Result;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// A running balancer. Dropping it stops it.
#[derive(Debug)]
pub struct Balancer {
    /// Where to connect to.
    pub port: u16,
    first: Arc<AtomicUsize>,
    resets: watch::Sender<()>,
    relay: JoinHandle<()>,
}

impl Balancer {
    /// Balances among the servers on `ports`, beginning with the first.
    ///
    /// # Errors
    /// When it can't listen.
    pub async fn start(ports: &[u16]) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let (first, (resets, reset)) = (Arc::new(AtomicUsize::new(0)), watch::channel(()));
        let (ports, preferred) = (ports.to_vec(), Arc::clone(&first));
        let relay = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (ports, reset) = (ports.clone(), reset.clone());
                let first = preferred.load(Ordering::Relaxed);
                tokio::spawn(relay(client, ports, first, reset));
            }
        });
        Ok(Self { port, first, resets, relay })
    }

    /// New connections go to the server with this index while it is up.
    pub fn prefer(&self, index: usize) {
        self.first.store(index, Ordering::Relaxed);
    }

    /// Resets every connection; new ones are taken.
    pub fn reset(&self) {
        self.resets.send_replace(());
    }
}

async fn relay(
    mut client: TcpStream,
    ports: Vec<u16>,
    first: usize,
    mut reset: watch::Receiver<()>,
) {
    reset.mark_unchanged();
    for index in 0..ports.len() {
        let Some(&port) = ports.get((first + index) % ports.len()) else { return };
        let Ok(mut server) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await else {
            continue;
        };
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        tokio::select! {
            _ = copy_bidirectional(&mut client, &mut server) => {}
            _ = reset.changed() => {}
        }
        return;
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.relay.abort();
    }
}
