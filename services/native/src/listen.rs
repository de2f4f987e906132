//! The listener: accepts, bounds what is not logged in yet, and lets each connection be.

use std::{future::Future, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use hoop_wire::postgres::{error::Severity, error::encode};
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
};
use tracing::{debug, warn};

use crate::{Gateway, Tls, postgres};

/// Connections that may be in their login at a time.
const LOGGING_IN: usize = 1000;

/// How long to wait before the next try when the system has no more descriptors: some
/// connection has to end first.
const PAUSE: Duration = Duration::from_millis(200);

/// A peer that is gone without a word is noticed after `IDLE + PROBES × INTERVAL`.
const IDLE: Duration = Duration::from_secs(60);
const INTERVAL: Duration = Duration::from_secs(15);
const PROBES: u32 = 4;

/// Why there is no listener.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is taken, or not ours.
    #[error("can't listen on {address} for PostgreSQL clients")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// A bound port for PostgreSQL clients.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    tls: Tls,
}

impl Listener {
    /// Binds the port; clients queue up from here on.
    ///
    /// # Errors
    /// When the address can't be bound.
    pub async fn bind(address: SocketAddr, tls: Tls) -> Result<Self, Error> {
        let failed = |source| Error::Bind { address, source };
        let socket = TcpListener::bind(address).await.map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        Ok(Self { socket, address, tls })
    }

    /// The address, with the port that the system chose if none was asked for.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves clients until `drain` is ready; then takes no more and waits for those that
    /// are there. Ending their sessions is for the gateway. Dropping this ends them all.
    pub async fn run<G: Gateway>(self, gateway: G, drain: impl Future<Output = ()> + Send) {
        let Self { socket, tls, .. } = self;
        let shared = Arc::new(postgres::Shared { gateway, tls });
        let logging_in = Arc::new(Semaphore::new(LOGGING_IN));
        let mut connections = JoinSet::new();
        let mut drain = pin!(drain);
        loop {
            let accepted = tokio::select! {
                () = &mut drain => break,
                Some(_) = connections.join_next(), if !connections.is_empty() => continue,
                accepted = socket.accept() => accepted,
            };
            match accepted {
                Ok((stream, address)) => match Arc::clone(&logging_in).try_acquire_owned() {
                    Ok(permit) => {
                        connections.spawn(connection(Arc::clone(&shared), stream, address, permit));
                    }
                    Err(_) => turn_away(&stream, address),
                },
                Err(error) => recover(&error).await,
            }
        }
        drop(socket);
        while connections.join_next().await.is_some() {}
    }
}

async fn connection<G: Gateway>(
    shared: Arc<postgres::Shared<G>>,
    stream: TcpStream,
    address: SocketAddr,
    permit: OwnedSemaphorePermit,
) {
    if let Err(error) = tune(&stream) {
        // It works without, only slower or with a later notice of a lost peer.
        debug!(%address, %error, "can't set socket options");
    }
    postgres::serve(&shared, stream, address, || drop(permit)).await;
}

fn tune(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive =
        TcpKeepalive::new().with_time(IDLE).with_interval(INTERVAL).with_retries(PROBES);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}

/// Says why, if the client listens; it may not have said a word yet.
fn turn_away(stream: &TcpStream, address: SocketAddr) {
    warn!(%address, "too many connections are logging in; turned one away");
    let mut out = Vec::new();
    let sentence = "too many connections are logging in; try again in a moment";
    encode(&mut out, Severity::Fatal, "53300", sentence, None);
    // Nothing waits for a client that is turned away.
    let _ = stream.try_write(&out);
}

/// An accept that fails is either the fault of that one client, which is gone by now, or a
/// lack of something that other connections hold.
async fn recover(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    if matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted) {
        debug!(%error, "a client was gone before it was accepted");
        return;
    }
    warn!(%error, "can't accept connections; trying again");
    tokio::time::sleep(PAUSE).await;
}
