//! How often a stream says something, and how long a silent peer is believed in.
//!
//! HTTP/2 PINGs do not keep a stream alive through proxies, so a message has to. Timers
//! are armed once per period and look at the clock when they fire: moving one at every
//! packet would cost more than the packet's own bookkeeping.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::time::{Duration, Instant, Sleep};

/// The two periods of a stream.
#[derive(Debug, Clone, Copy)]
pub struct KeepAlive {
    /// Own silence after which a keep-alive is sent.
    pub send_after: Duration,
    /// The peer's silence after which it is taken for dead.
    pub dead_after: Duration,
}

impl KeepAlive {
    /// Proxies need a message every 20 s; a dead peer is noticed within 45 s.
    pub const STANDARD: Self =
        Self { send_after: Duration::from_secs(15), dead_after: Duration::from_secs(45) };
}

/// Fires when nothing was noted for a whole period.
#[derive(Debug)]
pub(crate) struct SilenceTimer {
    period: Duration,
    noted_at: Instant,
    sleep: Pin<Box<Sleep>>,
}

impl SilenceTimer {
    pub(crate) fn new(period: Duration) -> Self {
        let noted_at = Instant::now();
        Self { period, noted_at, sleep: Box::pin(tokio::time::sleep_until(noted_at + period)) }
    }

    /// Something was sent, or heard.
    pub(crate) fn note(&mut self) {
        self.noted_at = Instant::now();
    }

    /// The period, in whole seconds, for a message.
    pub(crate) const fn seconds(&self) -> u64 {
        self.period.as_secs()
    }

    /// Ready when the period passed in silence; the next one begins then.
    pub(crate) fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            ready!(self.sleep.as_mut().poll(cx));
            let now = Instant::now();
            let due = self.noted_at + self.period;
            if now < due {
                self.sleep.as_mut().reset(due);
            } else {
                self.noted_at = now;
                self.sleep.as_mut().reset(now + self.period);
                return Poll::Ready(());
            }
        }
    }
}
