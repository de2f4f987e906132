//! The process: what it holds, how it starts and how it stops.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::SocketAddr,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use hoop_bus::Bus;
use hoop_domain::{AgentId, Direction, EndReason, SessionId, TrustedProxies};
use hoop_runtime::{Drain, span};
use tokio::{net::TcpListener, sync::Notify};
use tracing::field::Empty;

use crate::{
    Config,
    agents::Agents,
    cancel::CancelKeys,
    ended::EndedSessions,
    limits::{Due, Limits},
    link::KnownKeys,
    native::NativeGateway,
    over::OverSessions,
    server,
    session::{Session, Subscriptions},
    wanted::Wanted,
};

/// A running edge, ready to serve.
pub struct Edge {
    config: Config,
    shared: Arc<Shared>,
    grpc: TcpListener,
    native: Option<hoop_native::Listener>,
}

/// What every stream of this edge can reach.
#[derive(Debug)]
pub struct Shared {
    pub(crate) id: String,
    /// How long the broker may take no packet before its session ends.
    pub(crate) stall_timeout: Duration,
    pub(crate) bus: Bus,
    pub(crate) agents: Agents,
    pub(crate) cancel_keys: CancelKeys,
    pub(crate) ended: EndedSessions,
    pub(crate) over: OverSessions,
    pub(crate) known_keys: KnownKeys,
    pub(crate) wanted: Wanted,
    pub(crate) drain: Drain,
    pub(crate) changed: Notify,
    pub(crate) resume_grace: Duration,
    pub(crate) keep_alive: Duration,
    pub(crate) trusted_proxies: TrustedProxies,
    drain_handle: hoop_runtime::shutdown::DrainHandle,
    sessions: Mutex<HashMap<SessionId, Held>>,
}

/// A session with what only its holder has to know.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) session: Arc<Session>,
    /// The agent, when the client's end is here, which makes this edge the one that reports
    /// the session and ends it with its agent's key.
    client_of: Option<AgentId>,
    limits: Arc<Mutex<Limits>>,
    /// When the sweep first saw that it had ended.
    pub(crate) ended_at: Option<Instant>,
}

impl Held {
    /// A session that begins now and must be over at `not_after`, or when it was `idle` for
    /// that long, if that is not zero.
    pub(crate) fn new(
        session: Arc<Session>,
        client_of: Option<AgentId>,
        not_after: Option<DateTime<Utc>>,
        idle: Duration,
    ) -> Self {
        let limits = Limits::new(Utc::now(), not_after, idle);
        Self { session, client_of, limits: Arc::new(Mutex::new(limits)), ended_at: None }
    }

    /// The session's agent, when the client's end is here.
    pub(crate) fn client_of(&self) -> Option<AgentId> {
        self.client_of.filter(|_| self.session.publishes(Direction::In))
    }

    /// What is due about its time.
    pub(crate) fn due(&self, wall: DateTime<Utc>, now: Instant) -> Option<Due> {
        let active_at = self.session.active_at();
        let mut limits = self.limits.lock().unwrap_or_else(PoisonError::into_inner);
        limits.look(wall, now, active_at)
    }
}

impl Config {
    /// Connects and binds.
    ///
    /// # Errors
    /// When the broker can't be reached or a port is taken.
    pub async fn build(self) -> anyhow::Result<Edge> {
        let id = format!("edge-{}", hoop_domain::EventId::generate());
        let bus = Bus::connect(&self.nats_url, &id).await?;
        bus.ensure_streams().await?;
        let grpc = TcpListener::bind(self.grpc_listen)
            .await
            .map_err(|cause| anyhow::anyhow!("GRPC_LISTEN {}: {cause}", self.grpc_listen))?;
        let native = match self.pg_listen {
            Some(address) => Some(self.bind_native(address).await?),
            None => None,
        };
        let (drain_handle, drain) = Drain::new();
        let shared = Shared {
            id,
            stall_timeout: self.stall_timeout,
            bus,
            agents: Agents::default(),
            cancel_keys: CancelKeys::default(),
            ended: EndedSessions::default(),
            over: OverSessions::default(),
            known_keys: KnownKeys::default(),
            wanted: Wanted::default(),
            drain,
            resume_grace: self.resume_grace,
            keep_alive: self.keep_alive,
            trusted_proxies: self.trusted_proxies.clone(),
            drain_handle,
            changed: Notify::new(),
            sessions: Mutex::default(),
        };
        let shared = Arc::new(shared);
        crate::metrics::show(&shared);
        shared.bus.show();
        Ok(Edge { config: self, shared, grpc, native })
    }

    async fn bind_native(&self, address: SocketAddr) -> anyhow::Result<hoop_native::Listener> {
        let tls = match &self.native_tls {
            Some((cert, key)) => hoop_native::Tls::from_pem_files(cert, key)?,
            None => hoop_native::Tls::self_signed()?,
        };
        hoop_native::Listener::bind(address, tls)
            .await
            .map_err(|cause| anyhow::anyhow!("PG_LISTEN {address}: {cause}"))
    }
}

impl Edge {
    /// What listens where, for the READY line.
    #[must_use]
    pub fn addresses(&self) -> Vec<(&'static str, String)> {
        let mut addresses = vec![("edge", self.shared.id.clone())];
        if let Ok(address) = self.grpc.local_addr() {
            addresses.push(("grpc", address.to_string()));
        }
        if let Some(native) = &self.native {
            addresses.push(("postgres", native.address().to_string()));
        }
        addresses
    }

    /// Serves until the drain is over: new streams are refused at once, sessions go on for
    /// at most [`Config::drain_timeout`], then end with a reason.
    ///
    /// # Errors
    /// When a listener fails for good.
    pub async fn run(self, drain: Drain) -> anyhow::Result<()> {
        let Self { config, shared, grpc, native } = self;
        tokio::spawn(shared.clone().report());
        tokio::spawn(shared.clone().tell_over());
        tokio::spawn(shared.clone().sweep());
        tokio::spawn(shared.clone().serve_cancels());
        tokio::spawn(shared.clone().serve_revocations());
        tokio::spawn(shared.clone().serve_wanted());
        if let Some(native) = native {
            let (gateway, drain) = (NativeGateway::new(shared.clone()), drain.clone());
            tokio::spawn(native.run(gateway, async move { drain.begun().await }));
        }
        let (stop, stopped) = Drain::new();
        let server = tokio::spawn(server::serve(shared.clone(), grpc, config.grpc_tls, stopped));

        drain.begun().await;
        shared.drain_handle.begin();
        shared.agents.close_all();
        // Connections are told to go first, so that an end which leaves dials another edge.
        stop.begin();
        shared.send_away();
        if tokio::time::timeout(config.drain_timeout, shared.idle()).await.is_err() {
            for held in shared.held() {
                held.session.end(EndReason::Drained);
            }
            let _ = tokio::time::timeout(Duration::from_secs(5), shared.idle()).await;
        }
        shared.report_the_rest().await;
        let _ = shared.bus.client().flush().await;
        match tokio::time::timeout(Duration::from_secs(2), server).await {
            Ok(outcome) => outcome?,
            // A peer that does not read its end of stream.
            Err(_) => Ok(()),
        }
    }
}

impl Shared {
    /// Holds a session and feeds it with what the broker says, until it is done.
    pub(crate) fn hold(self: &Arc<Self>, held: Held, subscriptions: Subscriptions) {
        let end = if held.client_of.is_some() { "client" } else { "agent" };
        self.sessions().insert(held.session.id(), held.clone());
        self.feed(held.session, subscriptions, end);
    }

    /// The same, unless the session is held already. Returns it as it is held.
    pub(crate) fn hold_or_join(
        self: &Arc<Self>,
        held: Held,
        subscriptions: Subscriptions,
    ) -> Arc<Session> {
        let session = held.session.clone();
        match self.sessions().entry(session.id()) {
            Entry::Occupied(there) => return there.get().session.clone(),
            Entry::Vacant(place) => place.insert(held),
        };
        self.feed(session.clone(), subscriptions, "resumed");
        session
    }

    fn feed(
        self: &Arc<Self>,
        session: Arc<Session>,
        subscriptions: Subscriptions,
        end: &'static str,
    ) {
        let shared = self.clone();
        let span = span!("session", session = %session.id(), end, reason = Empty);
        self.changed.notify_one();
        tokio::spawn(async move {
            let id = session.id();
            let mut drive = pin!(session.clone().drive(subscriptions));
            let driven = tokio::select! {
                () = &mut drive => true,
                () = session.ended() => false,
            };
            if !session.has_left() && shared.has_client(id) {
                crate::metrics::edge().ended(session.ended_with().as_ref());
                shared.over.note(id);
            }
            if !driven {
                drive.await;
            }
            if let Some(closed) = session.ended_with() {
                span.record("reason", closed.reason().as_str());
            }
            if let Some(closed) = session.unrecorded_end() {
                shared.ended.note(id, &closed);
            }
            shared.sessions().remove(&id);
            shared.cancel_keys.forget(id);
            shared.changed.notify_one();
        });
    }

    /// Whether the client's end of the session is here.
    fn has_client(&self, id: SessionId) -> bool {
        self.sessions().get(&id).is_some_and(|held| held.client_of().is_some())
    }

    /// Changes what is held of a session.
    pub(crate) fn change(&self, id: SessionId, change: impl FnOnce(&mut Held)) {
        if let Some(held) = self.sessions().get_mut(&id) {
            change(held);
        }
    }

    /// The session, if an end of it is here.
    pub(crate) fn session(&self, id: SessionId) -> Option<Arc<Session>> {
        self.sessions().get(&id).map(|held| held.session.clone())
    }

    /// Every session of which an end is here.
    pub(crate) fn held(&self) -> Vec<Held> {
        self.sessions().values().cloned().collect()
    }

    /// Whether a client of `agent` is here.
    pub(crate) fn has_sessions_of(&self, agent: AgentId) -> bool {
        let live = |held: &Held| held.client_of() == Some(agent) && !held.session.has_ended();
        self.sessions().values().any(live)
    }

    /// Notes when the sweep first saw that a session had ended.
    pub(crate) fn mark_ended(&self, id: SessionId, now: Instant) {
        if let Some(held) = self.sessions().get_mut(&id) {
            held.ended_at.get_or_insert(now);
        }
    }

    /// Has every end that can go on elsewhere do so.
    fn send_away(&self) {
        for held in self.held() {
            held.session.send_away();
        }
    }

    async fn idle(&self) {
        while !self.sessions().is_empty() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn sessions(&self) -> std::sync::MutexGuard<'_, HashMap<SessionId, Held>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
