//! What an edge counts. On a packet's way, that is an addition to a number and nothing else.

use std::{
    sync::{Arc, LazyLock, Weak},
    time::{Duration, Instant},
};

use hoop_bus::ControlRequest;
use hoop_domain::{Both, DenialCode, Direction, EndReason};
use hoop_proto as proto;
use hoop_runtime::metrics::{Counter, Histogram, bounded, counter, histogram, number, observe};

use crate::edge::Shared;

/// The counters of this process.
pub(crate) fn edge() -> &'static Metrics {
    static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);
    &METRICS
}

/// See the list for what each means.
pub(crate) struct Metrics {
    packets: Both<Counter>,
    bytes: Both<Counter>,
    credit_stalls: Counter,
    broker_stalls: Both<Counter>,
    publish_ack: Histogram,
    session_open: Histogram,
    resumes: Both<Counter>,
    pub(crate) agent_connects: Counter,
}

fn ways(name: &'static str) -> Both<Counter> {
    Both::from_fn(|direction| counter(name, &[("direction", direction.as_str())]))
}

impl Metrics {
    fn new() -> Self {
        Self {
            packets: ways("hoop_packets_total"),
            bytes: ways("hoop_packet_bytes_total"),
            credit_stalls: counter("hoop_credit_stalls_total", &[]),
            broker_stalls: ways("hoop_broker_stalls_total"),
            publish_ack: histogram("hoop_publish_ack_seconds", &[]),
            session_open: histogram("hoop_session_open_seconds", &[]),
            resumes: Both::from_fn(|direction| {
                let end = if direction == Direction::In { "client" } else { "agent" };
                counter("hoop_resumes_total", &[("end", end)])
            }),
            agent_connects: counter("hoop_agent_connects_total", &[]),
        }
    }

    /// A packet of so many bytes goes to the broker.
    pub(crate) fn published(&self, direction: Direction, bytes: usize) {
        self.packets.get(direction).inc();
        self.bytes.get(direction).inc_by(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    /// The broker has a packet that was published at this time.
    pub(crate) fn acknowledged(&self, published_at: Instant) {
        self.publish_ack.observe(published_at.elapsed());
    }

    /// A native client waits until the target takes more.
    pub(crate) fn credit_stalled(&self) {
        self.credit_stalls.inc();
    }

    /// A packet waits because others are still on their way to the broker.
    pub(crate) fn broker_stalled(&self, direction: Direction) {
        self.broker_stalls.get(direction).inc();
    }

    /// What became of a session that was permitted.
    pub(crate) fn opened(&self, connection_type: &str, begun: Instant) {
        counter("hoop_sessions_opened_total", &[("type", connection_type)]).inc();
        self.session_open.observe(begun.elapsed());
    }

    /// An end whose stream broke goes on here.
    pub(crate) fn resumed(&self, direction: Direction) {
        self.resumes.get(direction).inc();
    }

    /// An end whose stream broke can't go on here.
    pub(crate) fn not_resumed(&self, code: DenialCode) {
        counter("hoop_resumes_refused_total", &[("code", code.as_str())]).inc();
    }

    /// Somebody is not let in.
    pub(crate) fn refused(&self, code: DenialCode) {
        counter("hoop_sessions_refused_total", &[("code", code.as_str())]).inc();
    }

    /// A session whose client was here is over.
    pub(crate) fn ended(&self, closed: Option<&proto::SessionClosed>) {
        let reason = closed.map_or(EndReason::EdgeLost, proto::SessionClosed::reason);
        counter("hoop_sessions_ended_total", &[("reason", reason.as_str())]).inc();
    }

    /// `api` was asked.
    pub(crate) fn asked(&self, request: ControlRequest, outcome: &'static str, took: Duration) {
        let request = request.as_str();
        let labels = [("request", request), ("outcome", outcome)];
        counter("hoop_control_requests_total", &labels).inc();
        histogram("hoop_control_request_seconds", &[("request", request)]).observe(took);
    }
}

/// Shows what `shared` holds, for as long as it is there.
pub(crate) fn show(shared: &Arc<Shared>) {
    let _ = edge();
    let look = |look: fn(&Shared) -> usize| {
        let shared: Weak<Shared> = Arc::downgrade(shared);
        move || u64::try_from(look(&*shared.upgrade()?)).ok()
    };
    let held = |client: bool| {
        let shared = Arc::downgrade(shared);
        move || {
            let held = shared.upgrade()?.held();
            let here = held.iter().filter(|held| held.client_of().is_some() == client).count();
            u64::try_from(here).ok().map(number)
        }
    };
    observe("hoop_sessions_open", &[("end", "client")], held(true));
    observe("hoop_sessions_open", &[("end", "agent")], held(false));
    let agents = look(|shared| shared.agents.count());
    observe("hoop_agents_connected", &[], move || agents().map(number));
    for (queue, limit, used) in BOUNDED {
        bounded(queue, u64::try_from(*limit).unwrap_or(u64::MAX), look(*used));
    }
}

/// What is bounded here, by how much, and how full it is.
type Bounded = (&'static str, usize, fn(&Shared) -> usize);

const BOUNDED: &[Bounded] = &[
    ("over_sessions", crate::over::MOST, |shared| shared.over.count()),
    ("ended_sessions", crate::ended::MOST, |shared| shared.ended.count()),
    ("known_keys", crate::link::MOST_KEYS, |shared| shared.known_keys.count()),
    ("wanted_agents", crate::wanted::MOST, |shared| shared.wanted.count()),
    ("agent_orders", crate::link::MOST_ORDERS, |shared| shared.agents.most_orders()),
    ("session_outlet_bytes", crate::session::MOST_UNPAID, |shared| {
        shared.held().iter().map(|held| held.session.unpaid()).max().unwrap_or_default()
    }),
    ("session_channels", crate::session::MOST_CHANNELS, |shared| {
        shared.held().iter().map(|held| held.session.channels()).max().unwrap_or_default()
    }),
];
