//! The one list of metrics. Code may ask for no other; the guide lists the same.

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, until the process is started again.
    Counter,
    /// Goes up and down.
    Gauge,
    /// How many durations were how long, up to these bounds in microseconds.
    Histogram(&'static [u64]),
}

impl Kind {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram(_) => "histogram",
        }
    }
}

/// One metric.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Its name; the unit is in it.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// The processes that have it.
    pub processes: &'static [&'static str],
    /// What it says.
    pub help: &'static str,
}

impl Metric {
    /// Stands for what is not in the list.
    pub(super) const UNKNOWN: Self = metric("unknown", COUNTER, NONE, &[], "");
}

pub(super) fn find(name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.name == name)
}

const fn metric(
    name: &'static str,
    kind: Kind,
    labels: &'static [&'static str],
    processes: &'static [&'static str],
    help: &'static str,
) -> Metric {
    Metric { name, kind, labels, processes, help }
}

const COUNTER: Kind = Kind::Counter;
const GAUGE: Kind = Kind::Gauge;

/// From 50 µs, a receipt of a broker on the same machine, to 30 s, everybody's patience.
const TIME: Kind = Kind::Histogram(&[
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000, 5_000_000, 10_000_000, 30_000_000,
]);

const NONE: &[&str] = &[];
const ALL: &[&str] = &["api", "grpc-edge", "audit-writer", "notifier", "agent"];
const API: &[&str] = &["api"];
const EDGE: &[&str] = &["grpc-edge"];
const WRITER: &[&str] = &["audit-writer"];
const NOTIFIER: &[&str] = &["notifier"];
const AGENT: &[&str] = &["agent"];
const BROKER: &[&str] = &["api", "grpc-edge", "audit-writer", "notifier"];

/// Every metric, by process.
pub const METRICS: &[Metric] = &[
    metric("hoop_build_info", GAUGE, &["process", "version"], ALL, "1; the labels say what runs"),
    metric("hoop_tasks", GAUGE, NONE, ALL, "tasks that live in the process"),
    metric("process_cpu_seconds_total", COUNTER, NONE, ALL, "processor time, user and system"),
    metric("process_resident_memory_bytes", GAUGE, NONE, ALL, "memory that is in use"),
    metric("process_virtual_memory_bytes", GAUGE, NONE, ALL, "addresses that are in use"),
    metric("process_threads", GAUGE, NONE, ALL, "threads"),
    metric("process_open_fds", GAUGE, NONE, ALL, "open files and sockets"),
    metric("process_max_fds", GAUGE, NONE, ALL, "how many of them the system allows"),
    metric("process_start_time_seconds", GAUGE, NONE, ALL, "when it started, since the epoch"),
    // every process that has queues
    metric(
        "hoop_queue_used",
        GAUGE,
        &["queue"],
        BROKER,
        "how much of a bounded queue, map or buffer is used; of several, the fullest",
    ),
    metric("hoop_queue_limit", GAUGE, &["queue"], BROKER, "how much of it there may be"),
    metric("hoop_broker_connected", GAUGE, NONE, BROKER, "1 while the broker is there"),
    metric(
        "hoop_broker_reconnects_total",
        COUNTER,
        NONE,
        BROKER,
        "how often the broker was lost and came back",
    ),
    metric("hoop_broker_received_bytes_total", COUNTER, NONE, BROKER, "what came from the broker"),
    metric("hoop_broker_sent_bytes_total", COUNTER, NONE, BROKER, "what went to the broker"),
    metric(
        "hoop_broker_slow_consumers_total",
        COUNTER,
        NONE,
        BROKER,
        "messages came faster than they were taken, and some were dropped",
    ),
    // sessions on an edge
    metric(
        "hoop_sessions_open",
        GAUGE,
        &["end"],
        EDGE,
        "sessions whose `client` is on this edge, or only whose `agent`",
    ),
    metric(
        "hoop_sessions_opened_total",
        COUNTER,
        &["type"],
        EDGE,
        "sessions that were opened, by the connection's type",
    ),
    metric(
        "hoop_sessions_refused_total",
        COUNTER,
        &["code"],
        EDGE,
        "sessions that were not opened, by the denial's code",
    ),
    metric(
        "hoop_sessions_ended_total",
        COUNTER,
        &["reason"],
        EDGE,
        "sessions that are over, by their end's reason; each is counted where its client was",
    ),
    metric(
        "hoop_session_open_seconds",
        TIME,
        NONE,
        EDGE,
        "from the permit until the agent has come",
    ),
    metric(
        "hoop_resumes_total",
        COUNTER,
        &["end"],
        EDGE,
        "ends that went on here after their stream broke, by whose they are",
    ),
    metric(
        "hoop_resumes_refused_total",
        COUNTER,
        &["code"],
        EDGE,
        "ends that came back and could not go on here, by the denial's code",
    ),
    metric(
        "hoop_packets_total",
        COUNTER,
        &["direction"],
        EDGE,
        "packets that were published here: `in` from clients, `out` from targets",
    ),
    metric(
        "hoop_packet_bytes_total",
        COUNTER,
        &["direction"],
        EDGE,
        "their bytes, as they are recorded",
    ),
    metric(
        "hoop_publish_ack_seconds",
        TIME,
        NONE,
        EDGE,
        "from the publishing of a packet to the broker's receipt",
    ),
    metric(
        "hoop_broker_stalls_total",
        COUNTER,
        &["direction"],
        EDGE,
        "packets that waited because others were on their way to the broker",
    ),
    metric(
        "hoop_credit_stalls_total",
        COUNTER,
        NONE,
        &["grpc-edge", "agent"],
        "senders that waited for credit: native clients at the edge, targets at the agent",
    ),
    metric(
        "hoop_control_requests_total",
        COUNTER,
        &["request", "outcome"],
        EDGE,
        "questions to api: `answered`, `timeout`, `no_api`, `failed`",
    ),
    metric("hoop_control_request_seconds", TIME, &["request"], EDGE, "how long their answers took"),
    metric("hoop_agents_connected", GAUGE, NONE, EDGE, "control streams of agents"),
    metric("hoop_agent_connects_total", COUNTER, NONE, EDGE, "how often an agent connected"),
    metric(
        "hoop_native_connections",
        GAUGE,
        NONE,
        EDGE,
        "connections of native clients, logged in or not",
    ),
    metric(
        "hoop_native_logins_total",
        COUNTER,
        &["outcome"],
        EDGE,
        "passwords that were `right` or `wrong`, or `too_many` to be looked at",
    ),
    // api
    metric(
        "hoop_http_requests_total",
        COUNTER,
        &["method", "route", "status"],
        API,
        "requests, by the route's template",
    ),
    metric(
        "hoop_http_request_seconds",
        TIME,
        &["route"],
        API,
        "until the head of the answer was there",
    ),
    metric("hoop_http_requests_in_flight", GAUGE, NONE, API, "requests that are being answered"),
    metric(
        "hoop_logins_total",
        COUNTER,
        &["outcome"],
        API,
        "logins that were `right` or `wrong`, or `too_many` to be looked at",
    ),
    metric(
        "hoop_refusals_unwritten_total",
        COUNTER,
        NONE,
        API,
        "strangers whose refusal the audit log had no room for: too many at once",
    ),
    metric(
        "hoop_control_answer_seconds",
        TIME,
        &["request"],
        API,
        "how long it took to answer an edge, and to write down who was refused",
    ),
    metric(
        "hoop_control_questions_in_flight",
        GAUGE,
        NONE,
        API,
        "questions of edges that are being answered",
    ),
    metric(
        "hoop_decisions_total",
        COUNTER,
        &["outcome"],
        API,
        "who asked to open a connection: `granted`, or the denial's code",
    ),
    metric("hoop_sessions_killed_total", COUNTER, &["reason"], API, "sessions that had to end"),
    metric(
        "hoop_events_published_total",
        COUNTER,
        NONE,
        API,
        "events that went from the outbox to the broker",
    ),
    // recordings
    metric(
        "hoop_stream_messages",
        GAUGE,
        &["stream"],
        WRITER,
        "messages in a stream of the broker; in `AUDIT`, packets that are not stored",
    ),
    metric("hoop_stream_bytes", GAUGE, &["stream"], WRITER, "their bytes"),
    metric(
        "hoop_stream_limit_bytes",
        GAUGE,
        &["stream"],
        WRITER,
        "how many bytes the stream takes; beyond, `AUDIT` refuses and sessions stall",
    ),
    metric(
        "hoop_partitions_held",
        GAUGE,
        NONE,
        WRITER,
        "partitions of `AUDIT` that this writer has",
    ),
    metric(
        "hoop_packets_recorded_total",
        COUNTER,
        NONE,
        WRITER,
        "packets that were taken from the stream",
    ),
    metric(
        "hoop_packets_known_total",
        COUNTER,
        NONE,
        WRITER,
        "packets that came again and were recorded already",
    ),
    metric("hoop_spool_packets", GAUGE, NONE, WRITER, "packets that are spooled and not stored"),
    metric("hoop_spool_bytes", GAUGE, NONE, WRITER, "their bytes"),
    metric("hoop_segments_total", COUNTER, NONE, WRITER, "segments that were stored"),
    metric("hoop_segment_raw_bytes_total", COUNTER, NONE, WRITER, "what is in them"),
    metric("hoop_segment_stored_bytes_total", COUNTER, NONE, WRITER, "what they take, compressed"),
    metric(
        "hoop_segment_commit_seconds",
        TIME,
        NONE,
        WRITER,
        "transactions that store segments, whether they worked or not",
    ),
    metric(
        "hoop_commit_failures_total",
        COUNTER,
        NONE,
        WRITER,
        "transactions that failed and are tried again",
    ),
    metric(
        "hoop_recordings_finished_total",
        COUNTER,
        NONE,
        WRITER,
        "recordings that were finished and signed",
    ),
    metric(
        "hoop_recording_flaws_total",
        COUNTER,
        &["kind"],
        WRITER,
        "packets that do not verify: a gap, a broken chain and the like",
    ),
    // notifications
    metric(
        "hoop_events_total",
        COUNTER,
        &["outcome"],
        NOTIFIER,
        "events that were `taken`, were `waiting` for the database, or are `dead` letters",
    ),
    metric(
        "hoop_deliveries_total",
        COUNTER,
        &["channel", "outcome"],
        NOTIFIER,
        "attempts to tell somebody, by the kind of channel: `delivered`, `retry`, `dead`",
    ),
    metric("hoop_delivery_seconds", TIME, &["channel"], NOTIFIER, "how long they took"),
    metric(
        "hoop_lanes_busy",
        GAUGE,
        NONE,
        NOTIFIER,
        "channels that something is being sent through",
    ),
    // agent
    metric("hoop_gateway_connected", GAUGE, NONE, AGENT, "1 while the agent has a control stream"),
    metric("hoop_gateway_connects_total", COUNTER, NONE, AGENT, "how often it got one"),
    metric("hoop_agent_sessions", GAUGE, NONE, AGENT, "sessions of this agent"),
    metric(
        "hoop_agent_sessions_ended_total",
        COUNTER,
        &["reason"],
        AGENT,
        "sessions that are over here, by their end's reason",
    ),
    metric(
        "hoop_target_reach_seconds",
        TIME,
        NONE,
        AGENT,
        "from a channel's opening until its target was reached and logged in to",
    ),
    metric(
        "hoop_target_failures_total",
        COUNTER,
        &["reason"],
        AGENT,
        "targets that were not reached",
    ),
];
