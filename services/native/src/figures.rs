//! What the listener counts.

use hoop_runtime::metrics::{Gauge, bounded, counter, gauge};

/// A client's connection, counted for as long as it is there.
pub(crate) struct Connection(Gauge);

impl Connection {
    pub(crate) fn begin() -> Self {
        let open = gauge("hoop_native_connections", &[]);
        open.inc();
        Self(open)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// A password was `right` or `wrong`, or was not looked at after `too_many` of them.
pub(crate) fn login(outcome: &'static str) {
    counter("hoop_native_logins_total", &[("outcome", outcome)]).inc();
}

/// Shows how many of `most` clients are in their login. All else begins at nothing, so that
/// the first of each is seen as such.
pub(crate) fn show<F>(most: usize, waiting: F)
where
    F: Fn() -> Option<usize> + Send + Sync + 'static,
{
    for outcome in ["right", "wrong", "too_many"] {
        let _ = counter("hoop_native_logins_total", &[("outcome", outcome)]);
    }
    let _ = gauge("hoop_native_connections", &[]);
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    bounded("native_logins", most, move || u64::try_from(waiting()?).ok());
}
