//! What a recording needs next, and when to ask again.

use std::time::Duration;

use hoop_domain::Both;
use hoop_store::recording::End;
use tokio::time::Instant;

use super::{Retention, Session};

/// When recordings are cut and finished.
#[derive(Debug, Clone)]
pub struct Limits {
    /// A segment is stored when it has this many bytes,
    pub segment_bytes: u64,
    /// or when its first packet is this old.
    pub segment_age: Duration,
    /// The session is shown as open after this time, when it is not over by then: most
    /// sessions of scripts are, and take one step to store instead of two.
    pub begin_after: Duration,
    /// After the user's end, the target's is waited for as long as something comes, and
    /// this long after.
    pub outward_grace: Duration,
    /// A session that is closed by its row is finished when nothing came for this long.
    pub abandoned_after: Duration,
    /// What of a live session stays in the stream.
    pub retention: Retention,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            segment_bytes: 4 * 1024 * 1024,
            segment_age: Duration::from_secs(10),
            begin_after: Duration::from_millis(250),
            outward_grace: Duration::from_secs(5),
            abandoned_after: Duration::from_secs(10),
            retention: Retention::default(),
        }
    }
}

/// The step that a recording needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// Say that the recording has begun.
    Begin,
    /// Store what is spooled.
    Store,
    /// Store what is spooled, and finish.
    Finish(End),
}

impl<T> Session<T> {
    /// The step that is due at `now`. Since `listening`, everything that is in the stream
    /// has been delivered, so silence means that nothing was said. In a hurry, whatever is
    /// spooled is due.
    #[must_use]
    pub fn due(
        &self,
        now: Instant,
        listening: Instant,
        limits: &Limits,
        hurry: bool,
    ) -> Option<Due> {
        if self.finishing {
            return None;
        }
        let finish = self.finish_at(listening, limits);
        if let Some((_, end)) = finish.filter(|(at, _)| *at <= now) {
            return Some(Due::Finish(end));
        }
        let store_at = self.store_at(limits);
        if store_at.is_some_and(|at| hurry || at <= now) {
            return Some(Due::Store);
        }
        self.begin_at(limits).filter(|at| *at <= now).map(|_| Due::Begin)
    }

    /// When something can become due by itself.
    #[must_use]
    pub fn wake_at(&self, listening: Instant, limits: &Limits) -> Option<Instant> {
        if self.finishing {
            return None;
        }
        let finish = self.finish_at(listening, limits).map(|(at, _)| at);
        let release = self.release_at(&limits.retention);
        let steps = [finish, self.store_at(limits), self.begin_at(limits), release];
        steps.into_iter().flatten().min()
    }

    fn finish_at(&self, listening: Instant, limits: &Limits) -> Option<(Instant, End)> {
        let (inward, outward) = (&self.ways.inward, &self.ways.outward);
        match (&inward.head.end, &outward.head.end, &self.closed) {
            (Some(end), Some(_), _) => Some((self.last_arrival, end.clone())),
            (Some(end), None, _) => {
                let quiet = inward.last_arrival.max(outward.last_arrival).max(listening);
                Some((quiet + limits.outward_grace, end.clone()))
            }
            (None, outward, Some(closed)) => {
                let quiet = self.last_arrival.max(listening);
                let end = outward.as_ref().unwrap_or(closed).clone();
                Some((quiet + limits.abandoned_after, end))
            }
            (None, _, None) => None,
        }
    }

    fn release_at(&self, retention: &Retention) -> Option<Instant> {
        let Both { inward, outward } = &self.ways;
        [inward, outward].into_iter().filter_map(|way| way.tail.expires_at(retention)).min()
    }

    fn store_at(&self, limits: &Limits) -> Option<Instant> {
        let since = self.open.since()?;
        let full = limits.segment_bytes <= self.open.raw_bytes();
        Some(if full { since } else { since + limits.segment_age })
    }

    fn begin_at(&self, limits: &Limits) -> Option<Instant> {
        let since = self.open.since().filter(|_| !self.announced && self.begun_at.is_some())?;
        Some(since + limits.begin_after)
    }
}
