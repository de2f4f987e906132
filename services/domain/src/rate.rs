//! How often somebody may do something, for very many of them.
//!
//! Memory is fixed, so an attacker with many addresses pushes nobody's count out. Two may share
//! a count by chance, but nobody chooses with whom. Nothing here reads a clock.

use std::{
    hash::{BuildHasher, Hash, RandomState},
    time::{Duration, Instant},
};

mod sketch;

pub use sketch::Allowance;
pub(crate) use sketch::Sketch;

/// How much of the same allowance each of very many has left.
pub struct Rate {
    sketch: Sketch,
    hasher: RandomState,
    /// What times are counted from.
    start: Instant,
}

impl std::fmt::Debug for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rate").finish_non_exhaustive()
    }
}

impl Rate {
    /// Nobody has used up anything yet. No later call may pass an earlier time.
    #[must_use]
    pub fn new(allowance: Allowance, now: Instant) -> Self {
        Self { sketch: Sketch::new(allowance), hasher: RandomState::new(), start: now }
    }

    /// Takes one away from what `whose` has left.
    ///
    /// # Errors
    /// How long to wait, when nothing is left. Then nothing is taken.
    pub fn take(&mut self, whose: impl Hash, now: Instant) -> Result<(), Duration> {
        let key = self.hasher.hash_one(whose);
        let now = now.saturating_duration_since(self.start);
        let wait = self.sketch.wait(key, now);
        if !wait.is_zero() {
            return Err(wait);
        }
        self.sketch.charge(key, now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN_A_MINUTE: Allowance = Allowance { burst: 10, every: Duration::from_secs(6) };

    #[test]
    fn so_many_at_once_and_then_one_after_the_other() {
        let start = Instant::now();
        let mut rate = Rate::new(TEN_A_MINUTE, start);
        let taken = (0..100).filter(|_| rate.take("ann", start).is_ok()).count();
        assert_eq!(taken, 10);
        assert_eq!(rate.take("ann", start), Err(Duration::from_secs(6)));
        assert_eq!(rate.take("ben", start), Ok(()));
        let later = start + Duration::from_secs(6);
        assert_eq!(rate.take("ann", later), Ok(()));
        assert_eq!(rate.take("ann", later), Err(Duration::from_secs(6)));
    }

    #[test]
    fn a_crowd_uses_up_nobody_elses_allowance() {
        let start = Instant::now();
        let mut rate = Rate::new(TEN_A_MINUTE, start);
        for number in 0..100_u32 {
            while rate.take(number, start).is_ok() {}
        }
        let let_in = (1000..2000_u32).filter(|number| rate.take(number, start).is_ok()).count();
        assert!(990 < let_in, "{let_in}");
    }
}
