//! Percentiles of a list of durations.

use std::time::Duration;

/// What a run of many transactions took.
pub(super) struct Figures {
    pub(super) count: usize,
    pub(super) p50: Duration,
    pub(super) p99: Duration,
}

impl Figures {
    pub(super) fn of(mut durations: Vec<Duration>) -> Self {
        durations.sort_unstable();
        let at = |percent: usize| {
            let place = (durations.len() * percent / 100).min(durations.len().saturating_sub(1));
            durations.get(place).copied().unwrap_or_default()
        };
        Self { count: durations.len(), p50: at(50), p99: at(99) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_sorted_list() {
        let figures = Figures::of((1..=100).rev().map(Duration::from_millis).collect());
        assert_eq!(figures.p50, Duration::from_millis(51));
        assert_eq!(figures.p99, Duration::from_millis(100));
        assert_eq!(Figures::of(Vec::new()).count, 0);
    }
}
