//! What an agent counts.

use std::time::Duration;

use hoop_domain::EndReason;
use hoop_runtime::metrics::{Gauge, counter, gauge, histogram};

/// A session of this agent, counted until it is dropped.
pub(crate) struct Live(Gauge);

impl Live {
    pub(crate) fn begin() -> Self {
        let sessions = sessions();
        sessions.inc();
        Self(sessions)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn sessions() -> Gauge {
    gauge("hoop_agent_sessions", &[])
}

/// Whether there is a control stream. Each time that there is one, it is counted.
pub(crate) fn connected(connected: bool) {
    gauge("hoop_gateway_connected", &[]).set(i64::from(connected));
    if connected {
        counter("hoop_gateway_connects_total", &[]).inc();
    }
}

/// A session is over for this reason.
pub(crate) fn ended(reason: EndReason) {
    counter("hoop_agent_sessions_ended_total", &[("reason", reason.as_str())]).inc();
}

/// A target was reached, or not.
pub(crate) fn reached(took: Duration, failure: Option<EndReason>) {
    match failure {
        None => histogram("hoop_target_reach_seconds", &[]).observe(took),
        Some(reason) => {
            counter("hoop_target_failures_total", &[("reason", reason.as_str())]).inc();
        }
    }
}

/// Begins at nothing, so that the first of each is seen as such.
pub(crate) fn show() {
    let _ = (sessions(), gauge("hoop_gateway_connected", &[]));
    let _ = histogram("hoop_target_reach_seconds", &[]);
    for name in ["hoop_gateway_connects_total", "hoop_credit_stalls_total"] {
        let _ = counter(name, &[]);
    }
}
