//! The life of one delivery, as one enum whose transitions consume it.
//!
//! ```text
//! Queued ──▶ Delivered
//!   │  ▲
//!   ▼  │ after a pause that grows
//! Retrying ──▶ Abandoned, with a line in the log
//! ```

use std::time::Duration;

use crate::channel::Failure;

/// How often and how long deliveries are tried.
#[derive(Debug, Clone)]
pub struct Pace {
    /// The pause after the first failure; each is four times as long as the one before,
    pub first_pause: Duration,
    /// up to this.
    pub longest_pause: Duration,
    /// So many attempts are made: with the defaults, for about seven hours.
    pub attempts: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            first_pause: Duration::from_secs(5),
            longest_pause: Duration::from_secs(3600),
            attempts: 12,
        }
    }
}

/// Where a delivery is in its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// To be attempted now, after so many attempts that failed.
    Queued {
        /// The attempts so far.
        failed: u32,
    },
    /// To be attempted again.
    Retrying {
        /// The attempts so far.
        failed: u32,
        /// When.
        pause: Duration,
        /// What happened last.
        why: String,
    },
    /// Told.
    Delivered {
        /// The attempts that it took.
        attempts: u32,
    },
    /// Not told, and not tried any more.
    Abandoned {
        /// The attempts that were made.
        attempts: u32,
        /// What happened last.
        why: String,
    },
}

impl Delivery {
    /// A delivery that the broker makes for the `times`-th time.
    #[must_use]
    pub fn queued(times: i64) -> Self {
        Self::Queued { failed: u32::try_from(times.saturating_sub(1)).unwrap_or_default() }
    }

    /// What it is after an attempt. `chance`, from 0 to 1, keeps many deliveries that failed
    /// together from being tried together.
    #[must_use]
    pub fn attempted(self, outcome: Result<(), Failure>, pace: &Pace, chance: f64) -> Self {
        let Self::Queued { failed } = self else { return self };
        let attempts = failed.saturating_add(1);
        match outcome {
            Ok(()) => Self::Delivered { attempts },
            Err(Failure { why, temporary, pause }) if temporary && attempts < pace.attempts => {
                let own = pace.pause(attempts, chance);
                // The receiver may ask for more time, not for so much that the stream
                // forgets the event meanwhile.
                let pause = pause.map_or(own, |asked| asked.max(own).min(pace.longest_pause));
                Self::Retrying { failed: attempts, pause, why }
            }
            Err(Failure { why, .. }) => Self::Abandoned { attempts, why },
        }
    }
}

impl Pace {
    fn pause(&self, attempts: u32, chance: f64) -> Duration {
        let factor = 4u32.saturating_pow(attempts.saturating_sub(1));
        let ceiling = self.first_pause.saturating_mul(factor).min(self.longest_pause);
        ceiling.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure() -> Failure {
        Failure { why: "no".into(), temporary: true, pause: None }
    }

    fn pause_after(times: i64, failure: Failure, chance: f64) -> Option<Duration> {
        match Delivery::queued(times).attempted(Err(failure), &Pace::default(), chance) {
            Delivery::Retrying { pause, .. } => Some(pause),
            _ => None,
        }
    }

    #[test]
    fn pauses_grow_to_a_limit_and_then_it_is_over() {
        let seconds = |times| pause_after(times, failure(), 1.0).map(|pause| pause.as_secs());
        assert_eq!([1, 2, 3, 6, 11].map(seconds), [5, 20, 80, 3600, 3600].map(Some));
        assert_eq!(seconds(12), None);
        assert_eq!(pause_after(1, failure(), 0.0), Some(Duration::from_millis(2500)));
    }

    #[test]
    fn the_receiver_may_ask_for_a_longer_pause_within_reason() {
        let asking = |seconds| Failure { pause: Some(Duration::from_secs(seconds)), ..failure() };
        assert_eq!(pause_after(1, asking(60), 1.0), Some(Duration::from_secs(60)));
        assert_eq!(pause_after(1, asking(1), 1.0), Some(Duration::from_secs(5)));
        assert_eq!(pause_after(1, asking(1_000_000), 1.0), Some(Duration::from_secs(3600)));
    }

    #[test]
    fn what_is_over_stays_over() {
        let pace = Pace::default();
        let gone = Failure { temporary: false, ..failure() };
        let abandoned = Delivery::queued(1).attempted(Err(gone), &pace, 0.5);
        assert_eq!(abandoned, Delivery::Abandoned { attempts: 1, why: "no".into() });
        assert_eq!(abandoned.clone().attempted(Ok(()), &pace, 0.5), abandoned);
        let delivered = Delivery::queued(3).attempted(Ok(()), &pace, 0.5);
        assert_eq!(delivered, Delivery::Delivered { attempts: 3 });
    }
}
