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

const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// What the other end may still record after the session has ended.
const LAST_WORDS: Duration = Duration::from_secs(10);

impl Shared {
    /// Sweeps until the process ends.
    pub(crate) async fn sweep(self: Arc<Self>) {
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        let mut kept_alive_at = Instant::now();
        let mut broker_heard_at = Instant::now();
        let mut connects = self.bus.connects();
        loop {
            tick.tick().await;
            let now = Instant::now();
            let before = std::mem::replace(&mut connects, self.bus.connects());
            let broker_was_away = before != connects;
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
                held.session.look_if_doubtful(now, broker_was_away);
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
            // An end that is away for a while has to hear of it yet.
            let patience = if session.awaits_an_end() { self.resume_grace } else { Duration::ZERO };
            let limit = LAST_WORDS + patience;
            if held.ended_at.is_some_and(|at| now.duration_since(at) > limit) {
                session.abandon();
            }
            return;
        }
        let stalled = session.stalled_for(now).is_some_and(|stalled| stalled > self.stall_timeout);
        if (stalled || broker_gone) && session.end(EndReason::RecordingUnavailable) {
            tracing::error!(session = %id, "session ended: the broker takes no packets");
        }
        // The other edge says something every [`KEEP_ALIVE`]. When it is gone, its end has the
        // grace time to go on at another one, which is heard of then.
        let limit = self.resume_grace + KEEP_ALIVE;
        if session.silent_for(now).is_some_and(|silent| silent > limit) {
            let lost =
                if held.client_of().is_some() { EndReason::AgentLost } else { EndReason::EdgeLost };
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
