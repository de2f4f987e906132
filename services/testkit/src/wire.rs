//! A wire between two parts: a TCP relay on loopback that can be cut or hang for a while.
//!
//! Beside [`Tap`](crate::Tap), which is for one test's one connection, a wire keeps nothing
//! unless it is asked to, keeps it per connection, and may lead to several ports.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::{JoinHandle, JoinSet},
};

use crate::free_port;

/// A relay. Dropping it ends every connection.
#[derive(Debug)]
pub struct Wire {
    /// Where to connect to.
    pub port: u16,
    state: watch::Sender<State>,
    calls: Option<Calls>,
    relay: JoinHandle<()>,
}

type Calls = Arc<Mutex<Vec<Arc<Call>>>>;

/// What one connection carried.
#[derive(Debug, Default)]
pub struct Call {
    from_client: Mutex<Vec<u8>>,
    from_server: Mutex<Vec<u8>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// Nothing moves, and nobody is told.
    Hanging,
    /// Connections are refused, and those that were there are gone.
    Cut,
}

impl Wire {
    /// Leads to the first of `ports` that takes connections.
    ///
    /// # Errors
    /// When it can't listen.
    pub async fn to(ports: &[u16]) -> Result<Self> {
        Self::start(ports, None).await
    }

    /// Leads to `port` and keeps what passes, in memory.
    ///
    /// # Errors
    /// When it can't listen.
    pub async fn keeping(port: u16) -> Result<Self> {
        Self::start(&[port], Some(Calls::default())).await
    }

    async fn start(ports: &[u16], calls: Option<Calls>) -> Result<Self> {
        let port = free_port()?;
        let listener = listen(port).await?;
        let (state, changes) = watch::channel(State::Open);
        let run = Run { port, ports: ports.into(), calls: calls.clone(), state: changes };
        Ok(Self { port, state, calls, relay: tokio::spawn(run.relay(listener)) })
    }

    /// Ends every connection and takes no more.
    pub fn cut(&self) {
        self.state.send_replace(State::Cut);
    }

    /// Holds whatever comes, without a word.
    pub fn hang(&self) {
        self.state.send_replace(State::Hanging);
    }

    /// Relays again.
    pub fn heal(&self) {
        self.state.send_replace(State::Open);
    }

    /// The connections so far, in the order in which they came.
    #[must_use]
    pub fn calls(&self) -> Vec<Arc<Call>> {
        self.calls.as_ref().map(|calls| locked(calls).clone()).unwrap_or_default()
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.relay.abort();
    }
}

impl Call {
    /// What the client has sent, as far as it came here.
    #[must_use]
    pub fn from_client(&self) -> Vec<u8> {
        locked(&self.from_client).clone()
    }

    /// What the server has sent, as far as it came here.
    #[must_use]
    pub fn from_server(&self) -> Vec<u8> {
        locked(&self.from_server).clone()
    }
}

struct Run {
    port: u16,
    ports: Arc<[u16]>,
    calls: Option<Calls>,
    state: watch::Receiver<State>,
}

impl Run {
    async fn relay(mut self, first: TcpListener) {
        let mut listener = Some(first);
        let mut connections = JoinSet::new();
        loop {
            let open = match listener.take() {
                Some(open) => open,
                None => match listen(self.port).await {
                    Ok(open) => open,
                    Err(_) => return,
                },
            };
            self.accept(open, &mut connections).await;
            connections.shutdown().await;
            if self.state.wait_for(|state| *state != State::Cut).await.is_err() {
                return;
            }
        }
    }

    /// Until it is cut; the listener is gone then.
    async fn accept(&mut self, listener: TcpListener, connections: &mut JoinSet<()>) {
        let mut cut = self.state.clone();
        loop {
            let accepted = tokio::select! {
                _cut = cut.wait_for(|state| *state == State::Cut) => return,
                Some(_ended) = connections.join_next() => continue,
                accepted = listener.accept() => accepted,
            };
            let Ok((client, _)) = accepted else { return };
            let call = self.calls.as_ref().map(|calls| {
                let call = Arc::new(Call::default());
                locked(calls).push(Arc::clone(&call));
                call
            });
            connections.spawn(carry(client, Arc::clone(&self.ports), call, self.state.clone()));
        }
    }
}

async fn listen(port: u16) -> Result<TcpListener> {
    let started = std::time::Instant::now();
    loop {
        match TcpListener::bind(("127.0.0.1", port)).await {
            Ok(listener) => return Ok(listener),
            Err(error) if crate::patience() <= started.elapsed() => return Err(error.into()),
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
        }
    }
}

async fn carry(
    client: TcpStream,
    ports: Arc<[u16]>,
    call: Option<Arc<Call>>,
    mut state: watch::Receiver<State>,
) {
    if flows(&mut state).await.is_none() {
        return;
    }
    let mut server = None;
    for port in ports.iter().copied() {
        server = TcpStream::connect(("127.0.0.1", port)).await.ok();
        if server.is_some() {
            break;
        }
    }
    let Some(server) = server else { return };
    // It must not add what the parts would not have waited for.
    let (_, _) = (client.set_nodelay(true), server.set_nodelay(true));
    let ((from_client, to_client), (from_server, to_server)) =
        (client.into_split(), server.into_split());
    let kept = |side: fn(&Call) -> &Mutex<Vec<u8>>| {
        let call = call.clone();
        move |piece: &[u8]| {
            if let Some(call) = &call {
                locked(side(call)).extend_from_slice(piece);
            }
        }
    };
    tokio::join!(
        pass(from_client, to_server, kept(|call| &call.from_client), state.clone()),
        pass(from_server, to_client, kept(|call| &call.from_server), state),
    );
}

async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    keep: impl Fn(&[u8]),
    mut state: watch::Receiver<State>,
) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        let Some(piece) = buffer.get(..count) else { break };
        keep(piece);
        if flows(&mut state).await.is_none() || to.write_all(piece).await.is_err() {
            break;
        }
    }
    let _closed = to.shutdown().await;
}

/// Waits until nothing hangs.
async fn flows(state: &mut watch::Receiver<State>) -> Option<()> {
    state.wait_for(|state| *state != State::Hanging).await.ok().map(drop)
}

fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends back what it gets.
    async fn echo() -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut read, mut write) = client.split();
                    tokio::io::copy(&mut read, &mut write).await
                });
            }
        });
        port
    }

    async fn said_back(client: &mut TcpStream, word: &[u8; 5]) -> Result<()> {
        client.write_all(word).await?;
        let mut got = [0; 5];
        client.read_exact(&mut got).await?;
        anyhow::ensure!(&got == word, "{got:?}");
        Ok(())
    }

    #[tokio::test]
    async fn a_wire_is_cut_and_healed_and_keeps_what_each_connection_carried() {
        let wire = Wire::keeping(echo().await).await.unwrap();
        for word in [b"first", b"again"] {
            let mut client = crate::eventually("the wire to relay", async || {
                let mut client = TcpStream::connect(("127.0.0.1", wire.port)).await?;
                said_back(&mut client, word).await?;
                Ok(client)
            })
            .await
            .unwrap();
            wire.cut();
            // The end comes as an end or as a reset.
            assert!(!matches!(client.read(&mut [0]).await, Ok(1..)));
            crate::eventually("the wire to refuse", async || {
                let refused = TcpStream::connect(("127.0.0.1", wire.port)).await.is_err();
                anyhow::ensure!(refused, "it still takes connections");
                Ok(())
            })
            .await
            .unwrap();
            wire.heal();
        }
        let calls = wire.calls();
        for word in [b"first", b"again"] {
            assert!(calls.iter().any(|call| call.from_client() == word));
            assert!(calls.iter().any(|call| call.from_server() == word));
        }
    }

    #[tokio::test]
    async fn what_hangs_goes_on_when_it_is_healed() {
        let closed = free_port().unwrap();
        let wire = Wire::to(&[closed, echo().await]).await.unwrap();
        let mut client = TcpStream::connect(("127.0.0.1", wire.port)).await.unwrap();
        said_back(&mut client, b"first").await.unwrap();
        wire.hang();
        let mut late = std::pin::pin!(said_back(&mut client, b"later"));
        let waited = std::time::Duration::from_millis(50);
        let early = tokio::time::timeout(waited, &mut late).await;
        assert!(early.is_err(), "something passed");
        wire.heal();
        late.await.unwrap();
    }
}
