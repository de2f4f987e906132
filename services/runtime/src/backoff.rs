//! Exponential back-off with full jitter, so that thousands of agents do not return at once.

use std::time::Duration;

/// The delays between tries.
#[derive(Debug, Clone)]
pub struct Backoff {
    least: Duration,
    most: Duration,
    ceiling: Duration,
}

impl Backoff {
    /// Delays that grow from `least` to `most`.
    #[must_use]
    pub const fn new(least: Duration, most: Duration) -> Self {
        Self { least, most, ceiling: least }
    }

    /// The next delay: random between `least` and a ceiling that doubles up to `most`.
    pub fn next_delay(&mut self) -> Duration {
        let ceiling = self.ceiling;
        self.ceiling = (ceiling * 2).min(self.most);
        self.least + ceiling.saturating_sub(self.least).mul_f64(random_fraction())
    }

    /// Begins again at `least`, after a success.
    pub const fn reset(&mut self) {
        self.ceiling = self.least;
    }
}

fn random_fraction() -> f64 {
    let mut bytes = [0; 4];
    // Without randomness the delay is the longest one, which is merely slow.
    match aws_lc_rs::rand::fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_ne_bytes(bytes)) / f64::from(u32::MAX),
        Err(_) => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_stay_within_bounds_and_start_over() {
        let (least, most) = (Duration::from_millis(10), Duration::from_millis(100));
        let mut backoff = Backoff::new(least, most);
        assert_eq!(backoff.next_delay(), least);
        for _ in 0..20 {
            let delay = backoff.next_delay();
            assert!(least <= delay && delay <= most);
        }
        backoff.reset();
        assert_eq!(backoff.next_delay(), least);
    }
}
