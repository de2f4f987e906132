//! One task that looks at every session once a second, so that ten thousand idle ones need
//! no timers of their own.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use hoop_domain::EndReason;

use crate::{
    edge::{Held, Shared},
    limits::Due,
};

/// The other edge says something every [`KEEP_ALIVE`]; thrice is enough.
const SILENCE_LIMIT: Duration = Duration::from_secs(45);
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// What the other end may still record after the session has ended.
const LAST_WORDS: Duration = Duration::from_secs(10);

impl Shared {
    /// Sweeps until the process ends.
    pub(crate) async fn sweep(self: Arc<Self>) {
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        let mut kept_alive_at = Instant::now();
        let mut broker_heard_at = Instant::now();
        loop {
            tick.tick().await;
            let now = Instant::now();
            if self.bus.connected() {
                broker_heard_at = now;
            }
            let broker_gone = now.duration_since(broker_heard_at) > self.stall_timeout;
            let keep_alive = now.duration_since(kept_alive_at) >= KEEP_ALIVE;
            if keep_alive {
                kept_alive_at = now;
            }
            for held in self.held() {
                self.look_at(&held, now, broker_gone);
                if keep_alive {
                    held.session.keep_alive().await;
                }
            }
        }
    }

    fn look_at(&self, held: &Held, now: Instant, broker_gone: bool) {
        let session = &held.session;
        let id = session.id();
        if session.has_ended() {
            self.mark_ended(id, now);
            if held.ended_at.is_some_and(|at| now.duration_since(at) > LAST_WORDS) {
                session.abandon();
            }
            return;
        }
        let stalled = session.stalled_for(now).is_some_and(|stalled| stalled > self.stall_timeout);
        if (stalled || broker_gone) && session.end(EndReason::RecordingUnavailable) {
            tracing::error!(session = %id, "session ended: the broker takes no packets");
        }
        if session.silent_for(now).is_some_and(|silent| silent > SILENCE_LIMIT) {
            let lost =
                if held.client_of.is_some() { EndReason::AgentLost } else { EndReason::EdgeLost };
            if session.end(lost) {
                tracing::warn!(session = %id, "session ended: the other edge is silent");
            }
        }
        match held.due(chrono::Utc::now(), now) {
            Some(Due::Warning(sentence)) => session.notify(sentence),
            Some(Due::End(reason)) => {
                session.end(reason);
            }
            None => {}
        }
    }
}
