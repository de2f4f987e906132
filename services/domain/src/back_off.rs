//! Waits that grow with each mistake, up to a bound, and that time makes good again.
//!
//! The first mistakes are free. After each further one the wait doubles, up to `most`. Whenever
//! `most` has passed, one mistake is forgotten. So who goes on makes one each `most` in the long
//! run, and who stops begins anew after a while.
//!
//! What is remembered is two times, which are any clock's microseconds; nothing here reads one.

use std::time::Duration;

/// How waits grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackOff {
    /// So many mistakes cost nothing.
    pub free: u32,
    /// The wait after these.
    pub first: Duration,
    /// The longest wait, and how long it takes until one mistake is forgotten.
    pub most: Duration,
}

/// What is remembered of mistakes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mistakes {
    /// When all of them are forgotten.
    pub forgotten_at: i64,
    /// Until when nobody may try.
    pub wait_until: i64,
}

impl Mistakes {
    /// How long one more try has to wait.
    #[must_use]
    pub fn wait(self, now: i64) -> Duration {
        Duration::from_micros(left(self.wait_until, now))
    }
}

impl BackOff {
    /// After one more at `now`.
    #[must_use]
    pub fn one_more(&self, before: Mistakes, now: i64) -> Mistakes {
        let forgotten_at = before.forgotten_at.max(now).saturating_add(self.step());
        let count = left(forgotten_at, now).div_ceil(self.step().unsigned_abs());
        let wait_until = now.saturating_add(micros(self.wait_after(count)));
        Mistakes { forgotten_at, wait_until }
    }

    /// After one turned out to be none. It is taken back with the wait that it brought; there
    /// is no other, because nobody may try during a wait.
    #[must_use]
    pub fn one_less(&self, before: Mistakes) -> Mistakes {
        let forgotten_at = before.forgotten_at.saturating_sub(self.step()).max(0);
        Mistakes { forgotten_at, wait_until: 0 }
    }

    fn wait_after(&self, count: u64) -> Duration {
        let Some(further) = count.checked_sub(self.free.into()) else { return Duration::ZERO };
        let doubled = u32::try_from(further).ok().and_then(|times| 1_u32.checked_shl(times));
        self.first.saturating_mul(doubled.unwrap_or(u32::MAX)).min(self.most)
    }

    fn step(&self) -> i64 {
        micros(self.most).max(1)
    }
}

/// From `now` until then.
fn left(then: i64, now: i64) -> u64 {
    u64::try_from(then.saturating_sub(now)).unwrap_or_default()
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
