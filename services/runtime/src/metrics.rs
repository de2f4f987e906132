//! What a process counts, and the page that Prometheus reads it from.
//!
//! [`METRICS`] is the one list: code asks for a metric by its name there, once, and keeps
//! what it is given. Counting is then one addition to a number that nobody locks.
//!
//! A label has few values, all known when the process is built. Ids, names and addresses of
//! people, sessions and connections are none: they belong into logs and traces.

mod histogram;
mod list;
mod registry;
mod resources;
mod serve;
#[cfg(test)]
mod tests;

pub use histogram::Histogram;
pub use list::{Kind, METRICS, Metric};
pub use prometheus_client::metrics::{counter::Counter, gauge::Gauge};
pub use registry::{counter, gauge, histogram, observe, page};
pub(crate) use serve::{address, serve};

/// The labels of a series: names as the list has them, and values.
pub type Labels<'a> = &'a [(&'static str, &'a str)];

/// Shows how much of a bounded queue, map or buffer of this process is used. `used` says
/// nothing when what it looks at is gone.
pub fn bounded<F>(queue: &'static str, limit: u64, used: F)
where
    F: Fn() -> Option<u64> + Send + Sync + 'static,
{
    gauge("hoop_queue_limit", &[("queue", queue)]).set(i64::try_from(limit).unwrap_or(i64::MAX));
    observe("hoop_queue_used", &[("queue", queue)], move || used().map(number));
}

/// A count as Prometheus has numbers. Above 2^53 the last digits are lost, which no page
/// shows anyway.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "see above")]
pub const fn number(count: u64) -> f64 {
    count as f64
}
