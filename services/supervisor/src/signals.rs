//! SIGTERM, SIGINT and SIGHUP: the first asks to stop, the second means now.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::say::say;

/// What was asked for so far. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Signals {
    /// Stop in order.
    pub(crate) stop: CancellationToken,
    /// Stop at once.
    pub(crate) now: CancellationToken,
}

impl Signals {
    /// Listens from now on.
    ///
    /// # Errors
    /// When the system does not let it.
    pub fn listen() -> io::Result<Self> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut hangup = signal(SignalKind::hangup())?;
        let signals = Self::default();
        let told = signals.clone();
        tokio::spawn(async move {
            for token in [told.stop, told.now] {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                    _ = hangup.recv() => {}
                }
                if !token.is_cancelled() {
                    token.cancel();
                }
            }
            say("stopping at once");
        });
        Ok(signals)
    }
}
