//! A wire tap: a TCP relay on loopback that keeps what went through it, and can be cut.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::Notify,
    task::{JoinHandle, JoinSet},
    time::timeout,
};

use crate::{free_port, patience};

/// A relay to one port. Dropping it stops it.
#[derive(Debug)]
pub struct Tap {
    /// Where to connect to instead.
    pub port: u16,
    target: u16,
    heard: Heard,
    scissors: Arc<Scissors>,
    relay: Option<JoinHandle<()>>,
}

#[derive(Debug, Clone, Default)]
struct Heard {
    from_client: Arc<Mutex<Vec<u8>>>,
    from_server: Arc<Mutex<Vec<u8>>>,
}

/// When everything is cut: at once, or when clients have sent so much more.
#[derive(Debug, Default)]
struct Scissors {
    left: Mutex<Option<usize>>,
    now: Notify,
}

impl Tap {
    /// Relays to `port`.
    ///
    /// # Errors
    /// When it can't listen.
    pub async fn start(port: u16) -> Result<Self> {
        let mut tap = Self {
            port: free_port()?,
            target: port,
            heard: Heard::default(),
            scissors: Arc::default(),
            relay: None,
        };
        tap.heal().await?;
        Ok(tap)
    }

    /// What clients have sent so far.
    #[must_use]
    pub fn from_client(&self) -> Vec<u8> {
        locked(&self.heard.from_client).clone()
    }

    /// What the server has sent so far.
    #[must_use]
    pub fn from_server(&self) -> Vec<u8> {
        locked(&self.heard.from_server).clone()
    }

    /// How much the server has sent so far.
    #[must_use]
    pub fn heard_from_server(&self) -> usize {
        locked(&self.heard.from_server).len()
    }

    /// Ends every connection, whatever it carries, and takes no more until it is healed.
    ///
    /// # Errors
    /// When it panicked.
    pub async fn cut(&mut self) -> Result<()> {
        self.scissors.now.notify_one();
        match self.relay.take() {
            Some(relay) => relay.await.context("the tap panicked"),
            None => Ok(()),
        }
    }

    /// Waits until clients have sent so many bytes more, and cuts there: in the middle of a
    /// message that is longer.
    ///
    /// # Errors
    /// When it is cut already, or clients say less.
    pub async fn cut_after(&mut self, bytes: usize) -> Result<()> {
        *locked(&self.scissors.left) = Some(bytes);
        let relay = self.relay.take().context("the tap is cut already")?;
        let cut = timeout(patience(), relay).await;
        cut.context("clients did not send enough to be cut")?.context("the tap panicked")
    }

    /// Relays again, on the same port.
    ///
    /// # Errors
    /// When it can't listen.
    pub async fn heal(&mut self) -> Result<()> {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await?;
        self.scissors = Arc::default();
        let (heard, scissors) = (self.heard.clone(), Arc::clone(&self.scissors));
        self.relay = Some(tokio::spawn(accept(listener, self.target, heard, scissors)));
        Ok(())
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        if let Some(relay) = &self.relay {
            relay.abort();
        }
    }
}

impl Scissors {
    /// How many of `count` bytes still pass, and whether they are the last.
    fn pass(&self, count: usize) -> (usize, bool) {
        match &mut *locked(&self.left) {
            None => (count, false),
            Some(left) => {
                let passing = count.min(*left);
                *left -= passing;
                (passing, *left == 0)
            }
        }
    }
}

fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, port: u16, heard: Heard, scissors: Arc<Scissors>) {
    let mut relays = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = scissors.now.notified() => break,
            Some(_ended) = relays.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        let Ok((client, _)) = accepted else { break };
        let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else { continue };
        let ((client_read, client_write), (server_read, server_write)) =
            (client.into_split(), server.into_split());
        let (up, down) = (heard.from_client.clone(), heard.from_server.clone());
        relays.spawn(relay(client_read, server_write, up, Some(Arc::clone(&scissors))));
        relays.spawn(relay(server_read, client_write, down, None));
    }
    drop(listener);
    relays.shutdown().await;
}

async fn relay(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    heard: Arc<Mutex<Vec<u8>>>,
    scissors: Option<Arc<Scissors>>,
) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        let (count, last) = scissors.as_ref().map_or((count, false), |it| it.pass(count));
        let Some(piece) = buffer.get(..count) else { break };
        locked(&heard).extend_from_slice(piece);
        if to.write_all(piece).await.is_err() {
            break;
        }
        if let Some(scissors) = scissors.as_ref().filter(|_| last) {
            scissors.now.notify_one();
            // The other side must not take this for a proper end.
            return std::future::pending().await;
        }
    }
    let _closed = to.shutdown().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_cut_is_in_the_middle_and_a_healed_tap_relays_again() {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut tap = Tap::start(server.local_addr().unwrap().port()).await.unwrap();
        let mut client = TcpStream::connect(("127.0.0.1", tap.port)).await.unwrap();
        let (mut served, _) = server.accept().await.unwrap();
        client.write_all(b"whole").await.unwrap();
        tap.cut_after(3).await.unwrap();
        let mut got = Vec::new();
        // The end comes as an end or as a reset.
        let _end = served.read_to_end(&mut got).await;
        assert_eq!(got, b"who");
        assert!(TcpStream::connect(("127.0.0.1", tap.port)).await.is_err());
        tap.heal().await.unwrap();
        TcpStream::connect(("127.0.0.1", tap.port)).await.unwrap();
        server.accept().await.unwrap();
        assert_eq!(tap.from_client(), b"who");
        tap.cut().await.unwrap();
    }
}
