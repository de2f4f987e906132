//! How long to wait before the next packet is shown.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// A clock that runs with the recording.
#[derive(Debug)]
pub(super) struct Pace {
    speed: Option<f64>,
    longest: Duration,
    last: Option<i64>,
    /// When the packet before was due. Waiting for an instant, and not for a time, keeps what
    /// the printing takes from adding up.
    due: Instant,
}

impl Pace {
    /// `speed` times as fast as it happened, and no pause longer than `max_idle`.
    pub(super) fn new(speed: f64, max_idle: Option<Duration>) -> Self {
        let longest = max_idle.unwrap_or(Duration::MAX);
        Self { speed: Some(speed), longest, last: None, due: Instant::now() }
    }

    /// As fast as it can be shown.
    pub(super) fn none() -> Self {
        Self { speed: None, longest: Duration::ZERO, last: None, due: Instant::now() }
    }

    /// Waits until what happened at `at` (microseconds) is due.
    pub(super) async fn wait(&mut self, at: i64) {
        let pause = self.pause(at);
        if pause.is_zero() {
            return;
        }
        self.due = self.due.checked_add(pause).unwrap_or(self.due).max(Instant::now());
        sleep_until(self.due).await;
    }

    fn pause(&mut self, at: i64) -> Duration {
        let Some(speed) = self.speed else { return Duration::ZERO };
        let before = self.last.replace(at).unwrap_or(at);
        let micros = u64::try_from(at.saturating_sub(before)).unwrap_or_default();
        let pause = Duration::from_micros(micros).div_f64(speed);
        pause.min(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_divided_by_the_speed_and_none_is_too_long() {
        let mut pace = Pace::new(4.0, Some(Duration::from_secs(2)));
        assert_eq!(pace.pause(1_000_000), Duration::ZERO);
        assert_eq!(pace.pause(2_000_000), Duration::from_millis(250));
        assert_eq!(pace.pause(60_000_000), Duration::from_secs(2));
        // Both directions are numbered by themselves, so time may step back a little.
        assert_eq!(pace.pause(59_000_000), Duration::ZERO);
    }

    #[test]
    fn without_a_pace_nothing_waits() {
        let mut pace = Pace::none();
        assert_eq!(pace.pause(0) + pace.pause(i64::MAX), Duration::ZERO);
    }
}
