//! What an `api` process counts.

use std::time::Duration;

use hoop_bus::ControlRequest;
use hoop_domain::EndReason;
use hoop_runtime::metrics::{Counter, Gauge, bounded, counter, gauge, histogram};
use http::StatusCode;

use crate::{App, auth::password, control::AT_ONCE, routes::tail};

/// Something that goes on, counted until it is dropped.
pub(crate) struct Going(Gauge);

impl Going {
    fn on(gauge: Gauge) -> Self {
        gauge.inc();
        Self(gauge)
    }

    /// A request over HTTP.
    pub(crate) fn request() -> Self {
        Self::on(gauge("hoop_http_requests_in_flight", &[]))
    }

    /// A question of an edge.
    pub(crate) fn question() -> Self {
        Self::on(questions())
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn questions() -> Gauge {
    gauge("hoop_control_questions_in_flight", &[])
}

/// A request was answered. `route` is the table's, with `{parameters}`.
pub(crate) fn answered(route: &'static str, method: &str, status: StatusCode, took: Duration) {
    let labels = [("method", method), ("route", route), ("status", status.as_str())];
    counter("hoop_http_requests_total", &labels).inc();
    histogram("hoop_http_request_seconds", &[("route", route)]).observe(took);
}

/// A password was `right` or `wrong`, or was not looked at after `too_many` of them.
pub(crate) fn login(outcome: &'static str) {
    counter("hoop_logins_total", &[("outcome", outcome)]).inc();
}

/// A stranger was refused, and there was no room in the audit log for it.
pub(crate) fn unwritten() {
    unwritten_refusals().inc();
}

fn unwritten_refusals() -> Counter {
    counter("hoop_refusals_unwritten_total", &[])
}

/// An edge was answered.
pub(crate) fn told(request: ControlRequest, took: Duration) {
    histogram("hoop_control_answer_seconds", &[("request", request.as_str())]).observe(took);
}

/// Somebody may open a connection, `granted`, or may not, for this reason.
pub(crate) fn decided(outcome: &'static str) {
    counter("hoop_decisions_total", &[("outcome", outcome)]).inc();
}

/// Events went to the broker.
pub(crate) fn published(events: usize) {
    counter("hoop_events_published_total", &[]).inc_by(u64::try_from(events).unwrap_or(u64::MAX));
}

/// A live session has to end.
pub(crate) fn killed(reason: EndReason) {
    counter("hoop_sessions_killed_total", &[("reason", reason.as_str())]).inc();
}

/// Shows what is bounded, and begins at nothing what has kinds.
pub(crate) fn show(app: &App) {
    for outcome in ["right", "wrong", "too_many"] {
        let _ = counter("hoop_logins_total", &[("outcome", outcome)]);
    }
    let _ = counter("hoop_decisions_total", &[("outcome", "granted")]);
    published(0);
    let _ = (gauge("hoop_http_requests_in_flight", &[]), questions(), unwritten_refusals());
    app.store.show();
    app.bus.show();
    let hashing = app.hashing.clone();
    let all = u64::try_from(password::AT_ONCE).unwrap_or_default();
    bounded("password_hashes", all, move || {
        Some(all.saturating_sub(u64::try_from(hashing.free()).ok()?))
    });
    let all = u64::try_from(tail::MOST_TAILS).unwrap_or_default();
    bounded("tails", all, move || u64::try_from(tail::going_on()).ok());
    let kinds = ControlRequest::ALL.len();
    bounded("control_questions", u64::try_from(AT_ONCE * kinds).unwrap_or_default(), || {
        u64::try_from(questions().get()).ok()
    });
}
