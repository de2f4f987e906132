//! What a notifier counts.

use std::time::Duration;

use hoop_runtime::metrics::{Gauge, counter, gauge, histogram};
use hoop_store::notification::{ChannelKind, delivery::Outcome};

/// Begins at nothing, so that the first of each is seen as such.
pub(crate) fn show() {
    for kind in ChannelKind::ALL {
        for outcome in ["delivered", "retry", "dead"] {
            let labels = [("channel", kind.as_str()), ("outcome", outcome)];
            let _ = counter("hoop_deliveries_total", &labels);
        }
    }
    for outcome in ["taken", "waiting", "dead"] {
        let _ = counter("hoop_events_total", &[("outcome", outcome)]);
    }
    let _ = lanes();
}

/// The channels that something is sent through at the moment.
pub(crate) fn lanes() -> Gauge {
    gauge("hoop_lanes_busy", &[])
}

/// Somebody was told through a channel of this kind, or not.
pub(crate) fn tried(channel: &'static str, outcome: &Outcome, took: Duration) {
    let outcome = match outcome {
        Outcome::Delivered => "delivered",
        Outcome::Retry { .. } => "retry",
        Outcome::Dead { .. } => "dead",
    };
    let labels = [("channel", channel), ("outcome", outcome)];
    counter("hoop_deliveries_total", &labels).inc();
    histogram("hoop_delivery_seconds", &[("channel", channel)]).observe(took);
}

/// Events were `taken`, have to be `waiting` for the database, or are `dead` letters.
pub(crate) fn events(outcome: &'static str, count: usize) {
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    counter("hoop_events_total", &[("outcome", outcome)]).inc_by(count);
}
