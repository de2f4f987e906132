//! SIGTERM, SIGINT and SIGHUP: the first asks to stop, the second means now.

use std::{fs, io};

use tokio::signal::unix::{Signal, SignalKind, signal};
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
        // Under `nohup` the end of a terminal is to be ignored.
        let mut hangup = if ignores_hangup() { None } else { Some(signal(SignalKind::hangup())?) };
        let signals = Self::default();
        let told = signals.clone();
        tokio::spawn(async move {
            for token in [told.stop, told.now] {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                    () = next(hangup.as_mut()) => {}
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

async fn next(signal: Option<&mut Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// Whether SIGHUP, the first bit of the mask, was ignored by whoever started us.
fn ignores_hangup() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & 1 == 1)
}
