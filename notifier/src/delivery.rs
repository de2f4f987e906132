//! What an attempt means for a delivery: done, again after a pause that grows, or given up.
//!
//! Time and chance are given, so nothing here waits.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use hoop_store::notification::delivery::Outcome;

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
    /// How long one attempt may take.
    pub patience: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            first_pause: Duration::from_secs(5),
            longest_pause: Duration::from_secs(3600),
            attempts: 12,
            patience: Duration::from_secs(20),
        }
    }
}

impl Pace {
    /// What becomes of a delivery after an attempt at `now`, when `failed` came to nothing
    /// before. `chance`, from 0 to 1, keeps many that failed together from being tried
    /// together.
    #[must_use]
    pub fn judge(
        &self,
        attempt: Result<(), Failure>,
        failed: u32,
        now: DateTime<Utc>,
        chance: f64,
    ) -> Outcome {
        let attempts = failed.saturating_add(1);
        match attempt {
            Ok(()) => Outcome::Delivered,
            Err(Failure { why, temporary, pause }) if temporary && attempts < self.attempts => {
                let own = self.pause(attempts, chance);
                let pause = pause.map_or(own, |asked| self.bounded(asked).max(own));
                Outcome::Retry { at: after(now, pause), why }
            }
            Err(Failure { why, .. }) => Outcome::Dead { why },
        }
    }

    /// The other side may ask for more time than we would give it, within reason.
    #[must_use]
    pub fn bounded(&self, asked: Duration) -> Duration {
        asked.min(self.longest_pause)
    }

    /// For how long a claimed delivery is nobody else's. An attempt, and writing down what
    /// became of it, takes less.
    #[must_use]
    pub fn lease(&self) -> Duration {
        self.patience * 2 + Duration::from_secs(2)
    }

    fn pause(&self, attempts: u32, chance: f64) -> Duration {
        let factor = 4u32.saturating_pow(attempts.saturating_sub(1));
        let ceiling = self.first_pause.saturating_mul(factor).min(self.longest_pause);
        ceiling.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0)
    }
}

/// `now` and `pause` later; a pause that no calendar has is a day.
#[must_use]
pub fn after(now: DateTime<Utc>, pause: Duration) -> DateTime<Utc> {
    now + TimeDelta::from_std(pause).unwrap_or(TimeDelta::days(1))
}

/// A random number from 0 to 1; without randomness 1, which is merely slow.
pub(crate) fn chance() -> f64 {
    let mut bytes = [0; 4];
    match aws_lc_rs::rand::fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_ne_bytes(bytes)) / f64::from(u32::MAX),
        Err(_) => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use hoop_domain::time::from_micros;

    use super::*;

    fn failure() -> Failure {
        Failure { why: "no".into(), temporary: true, pause: None }
    }

    fn pause_after(failed: u32, failure: Failure, chance: f64) -> Option<i64> {
        match Pace::default().judge(Err(failure), failed, from_micros(0), chance) {
            Outcome::Retry { at, .. } => Some(at.timestamp_millis()),
            _ => None,
        }
    }

    #[test]
    fn pauses_grow_to_a_limit_and_then_it_is_over() {
        let pause = |failed| pause_after(failed, failure(), 1.0);
        let seconds = [5, 20, 80, 3600, 3600].map(|seconds| Some(seconds * 1000));
        assert_eq!([0, 1, 2, 5, 10].map(pause), seconds);
        assert_eq!(pause(11), None);
        assert_eq!(pause_after(0, failure(), 0.0), Some(2500));
    }

    #[test]
    fn the_receiver_may_ask_for_a_longer_pause_within_reason() {
        let asking = |seconds| Failure { pause: Some(Duration::from_secs(seconds)), ..failure() };
        assert_eq!(pause_after(0, asking(60), 1.0), Some(60_000));
        assert_eq!(pause_after(0, asking(1), 1.0), Some(5000));
        assert_eq!(pause_after(0, asking(u64::MAX), 1.0), Some(3_600_000));
    }

    #[test]
    fn what_can_never_work_is_not_tried_again() {
        let never = Failure { temporary: false, ..failure() };
        let judge = |attempt| Pace::default().judge(attempt, 0, from_micros(0), 0.5);
        assert_eq!(judge(Err(never)), Outcome::Dead { why: "no".into() });
        assert_eq!(judge(Ok(())), Outcome::Delivered);
    }
}
