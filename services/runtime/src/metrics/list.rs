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

const NONE: &[&str] = &[];
const ALL: &[&str] = &["api", "grpc-edge", "audit-writer", "notifier", "agent"];

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
];
