//! The listener: accepts, bounds what is not logged in yet, and lets each connection be.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use hoop_domain::Attempts;
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tracing::{debug, warn};

use crate::{
    Gateway, Tls, figures, guesses, postgres,
    waiting::{Cut, Place, Waiting},
};

/// Connections that may be in their login at a time; see [`Listener::with_room_for`].
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
    logging_in: usize,
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
        Ok(Self { socket, address, tls, logging_in: LOGGING_IN })
    }

    /// The same with another bound on the clients that are not logged in yet; a thousand
    /// is usual. One more cuts the oldest of them.
    #[must_use]
    pub const fn with_room_for(mut self, logging_in: usize) -> Self {
        self.logging_in = logging_in;
        self
    }

    /// The address, with the port that the system chose if none was asked for.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves clients until `drain` is ready; then takes no more and waits for those that
    /// are there. Ending their sessions is for the gateway. Dropping this ends them all.
    pub async fn run<G: Gateway>(self, gateway: G, drain: impl Future<Output = ()> + Send) {
        let Self { socket, tls, logging_in, .. } = self;
        let shared = Arc::new(postgres::Shared {
            gateway,
            tls,
            attempts: Mutex::new(Attempts::new(guesses::now())),
        });
        let waiting = Waiting::new(logging_in);
        figures::show(logging_in, waiting.look());
        let mut connections = JoinSet::new();
        let mut drain = pin!(drain);
        loop {
            let accepted = tokio::select! {
                () = &mut drain => break,
                Some(_) = connections.join_next(), if !connections.is_empty() => continue,
                accepted = socket.accept() => accepted,
            };
            match accepted {
                Ok((stream, address)) => {
                    let place = waiting.enter();
                    connections.spawn(connection(Arc::clone(&shared), stream, address, place));
                }
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
    (place, cut): (Place, Cut),
) {
    let _counted = figures::Connection::begin();
    if let Err(error) = tune(&stream) {
        // It works without, only slower or with a later notice of a lost peer.
        debug!(%address, %error, "can't set socket options");
    }
    tokio::select! {
        () = postgres::serve(&shared, stream, address, || drop(place)) => {}
        () = cut.made() => debug!(%address, "cut to make room for others that log in"),
    }
}

fn tune(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive =
        TcpKeepalive::new().with_time(IDLE).with_interval(INTERVAL).with_retries(PROBES);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
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
