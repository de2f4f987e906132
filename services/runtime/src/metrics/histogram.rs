//! How long things took: a histogram that is observed without a lock.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

/// Durations, counted by how long they were. Cheap to clone; clones count together.
#[derive(Debug, Clone)]
pub struct Histogram(Arc<Buckets>);

#[derive(Debug)]
struct Buckets {
    /// Upper bounds in microseconds, ascending.
    bounds: &'static [u64],
    /// One per bound, and one for what is above all of them.
    counts: Box<[AtomicU64]>,
    /// Of everything, in nanoseconds: enough for 584 years.
    sum: AtomicU64,
}

/// What was observed until a moment.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Snapshot {
    pub(super) sum: f64,
    pub(super) count: u64,
    /// Upper bounds in seconds, with what is between each and the one before.
    pub(super) buckets: Vec<(f64, u64)>,
}

impl Histogram {
    pub(super) fn new(bounds: &'static [u64]) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self(Arc::new(Buckets { bounds, counts, sum: AtomicU64::new(0) }))
    }

    /// Counts something that took this long.
    pub fn observe(&self, took: Duration) {
        let Buckets { bounds, counts, sum } = &*self.0;
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let place = bounds.partition_point(|bound| *bound < micros);
        if let Some(count) = counts.get(place) {
            count.fetch_add(1, Relaxed);
        }
        sum.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Relaxed);
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let Buckets { bounds, counts, sum } = &*self.0;
        let bounds = bounds.iter().map(|micros| super::number(*micros) / 1e6);
        let counts = counts.iter().map(|count| count.load(Relaxed));
        let buckets: Vec<_> = bounds.chain([f64::INFINITY]).zip(counts).collect();
        Snapshot {
            sum: super::number(sum.load(Relaxed)) / 1e9,
            count: buckets.iter().map(|(_, count)| count).sum(),
            buckets,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_counted_below_the_first_bound_that_it_does_not_exceed() {
        let histogram = Histogram::new(&[100, 1000]);
        for micros in [1, 100, 101, 1000, 5000] {
            histogram.observe(Duration::from_micros(micros));
        }
        let snapshot = histogram.snapshot();
        assert_eq!(snapshot.count, 5);
        assert_eq!(snapshot.buckets, [(0.0001, 2), (0.001, 2), (f64::INFINITY, 1)]);
        assert!((snapshot.sum - 0.006_202).abs() < 1e-9, "{}", snapshot.sum);
    }
}
