//! A wire tap: a TCP relay on loopback that keeps what went through it.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

/// A relay to one port. Dropping it stops it.
#[derive(Debug)]
pub struct Tap {
    /// Where to connect to instead.
    pub port: u16,
    heard: Heard,
    relay: tokio::task::AbortHandle,
}

#[derive(Debug, Clone, Default)]
struct Heard {
    from_client: Arc<Mutex<Vec<u8>>>,
    from_server: Arc<Mutex<Vec<u8>>>,
}

impl Tap {
    /// Relays to `port`.
    ///
    /// # Errors
    /// When it can't listen.
    pub async fn start(port: u16) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let heard = Heard::default();
        let address = listener.local_addr()?;
        let relay = tokio::spawn(accept(listener, port, heard.clone())).abort_handle();
        Ok(Self { port: address.port(), heard, relay })
    }

    /// What clients have sent so far.
    #[must_use]
    pub fn from_client(&self) -> Vec<u8> {
        copy(&self.heard.from_client)
    }

    /// What the server has sent so far.
    #[must_use]
    pub fn from_server(&self) -> Vec<u8> {
        copy(&self.heard.from_server)
    }

    /// How much the server has sent so far.
    #[must_use]
    pub fn heard_from_server(&self) -> usize {
        self.heard.from_server.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.relay.abort();
    }
}

fn copy(heard: &Mutex<Vec<u8>>) -> Vec<u8> {
    heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

async fn accept(listener: TcpListener, port: u16, heard: Heard) {
    while let Ok((client, _)) = listener.accept().await {
        let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else { continue };
        let ((client_read, client_write), (server_read, server_write)) =
            (client.into_split(), server.into_split());
        tokio::spawn(relay(client_read, server_write, heard.from_client.clone()));
        tokio::spawn(relay(server_read, client_write, heard.from_server.clone()));
    }
}

async fn relay(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, heard: Arc<Mutex<Vec<u8>>>) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        let Some(piece) = buffer.get(..count) else { break };
        heard.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(piece);
        if to.write_all(piece).await.is_err() {
            break;
        }
    }
    let _closed = to.shutdown().await;
}
