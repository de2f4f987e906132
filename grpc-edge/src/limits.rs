//! Time: how long a session may go on, how long it may do nothing, and what its user is told
//! before either ends it. No clock in here: time is passed in.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use hoop_domain::EndReason;

/// When the user is warned of the end of the granted time.
const WARNINGS: [TimeDelta; 2] = [TimeDelta::minutes(5), TimeDelta::minutes(1)];

/// The same for a time that is shorter than these: at one half and at nine tenths of it.
const FRACTIONS: [i32; 2] = [2, 10];

/// What has to be done about a session's time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Due {
    /// Tell the user.
    Warning(String),
    /// End the session.
    End(EndReason),
}

/// What limits a session's time.
#[derive(Debug)]
pub(crate) struct Limits {
    deadline: Option<Deadline>,
    idle: Option<Idle>,
}

#[derive(Debug)]
struct Deadline {
    at: DateTime<Utc>,
    /// How long before the end, in the order in which they come.
    warnings: std::vec::IntoIter<TimeDelta>,
}

#[derive(Debug)]
struct Idle {
    limit: Duration,
    /// The last activity that a warning was given after.
    warned_of: Option<Instant>,
}

impl Limits {
    /// A session that begins now. `idle` of zero is none.
    pub(crate) fn new(
        now: DateTime<Utc>,
        not_after: Option<DateTime<Utc>>,
        idle: Duration,
    ) -> Self {
        let deadline = not_after.map(|at| {
            let whole = (at - now).max(TimeDelta::zero());
            let warnings = WARNINGS.into_iter().zip(FRACTIONS);
            let warnings = warnings.map(|(before, part)| before.min(whole / part));
            Deadline { at, warnings: warnings.collect::<Vec<_>>().into_iter() }
        });
        let idle = (!idle.is_zero()).then_some(Idle { limit: idle, warned_of: None });
        Self { deadline, idle }
    }

    /// What is due now, for a session in which data last moved at `active_at`. Each warning
    /// is due once; a late look gives the latest only.
    pub(crate) fn look(
        &mut self,
        wall: DateTime<Utc>,
        now: Instant,
        active_at: Instant,
    ) -> Option<Due> {
        let deadline = self.deadline.as_mut().and_then(|deadline| deadline.look(wall));
        let idle = || self.idle.as_mut().and_then(|idle| idle.look(now, active_at));
        deadline.or_else(idle)
    }
}

impl Deadline {
    fn look(&mut self, now: DateTime<Utc>) -> Option<Due> {
        let left = self.at - now;
        if left <= TimeDelta::zero() {
            return Some(Due::End(EndReason::Expired));
        }
        let mut due = false;
        while self.warnings.as_slice().first().is_some_and(|before| left <= *before) {
            due = self.warnings.next().is_some();
        }
        let left = spoken(left.to_std().unwrap_or_default());
        due.then(|| Due::Warning(format!("the time granted for this session ends in {left}")))
    }
}

impl Idle {
    fn look(&mut self, now: Instant, active_at: Instant) -> Option<Due> {
        let idle = now.saturating_duration_since(active_at);
        if self.limit <= idle {
            return Some(Due::End(EndReason::IdleTimeout));
        }
        if idle < self.limit * 4 / 5 || self.warned_of == Some(active_at) {
            return None;
        }
        self.warned_of = Some(active_at);
        let left = spoken(self.limit - idle);
        Some(Due::Warning(format!("nothing happens in this session, so it ends in {left}")))
    }
}

/// A time as people say it, rounded to what they care about.
fn spoken(time: Duration) -> String {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() != 0);
    match seconds {
        1 => "1 second".into(),
        60 => "1 minute".into(),
        0..=90 => format!("{seconds} seconds"),
        _ => format!("{} minutes", (seconds + 30) / 60),
    }
}

#[cfg(test)]
mod tests;
