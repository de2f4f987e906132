//! How many reports a minute: what fails a thousand times a second costs and says no more.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

const MINUTE: Duration = Duration::from_secs(60);

/// What may still be sent.
#[derive(Debug)]
pub(super) struct Budget {
    a_minute: u32,
    /// When the minute began, and what was sent in it.
    spent: Mutex<(Instant, u32)>,
}

impl Budget {
    pub(super) fn new(a_minute: u32, now: Instant) -> Self {
        Self { a_minute, spent: Mutex::new((now, 0)) }
    }

    /// Whether one more may be sent, which it counts.
    pub(super) fn take(&self, now: Instant) -> bool {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        if MINUTE <= now.saturating_duration_since(spent.0) {
            *spent = (now, 0);
        }
        let may = spent.1 < self.a_minute;
        spent.1 += u32::from(may);
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_costs_no_more_than_a_minutes_worth_and_the_next_minute_begins_anew() {
        let began = Instant::now();
        let budget = Budget::new(3, began);
        let sent = |at: Duration| (0..1000).filter(|_| budget.take(began + at)).count();
        assert_eq!(sent(Duration::ZERO), 3);
        assert_eq!(sent(Duration::from_secs(59)), 0);
        assert_eq!(sent(Duration::from_secs(60)), 3);
        assert_eq!(sent(Duration::from_secs(200)), 3);
    }
}
