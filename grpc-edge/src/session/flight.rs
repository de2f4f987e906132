//! How many packets of one direction may be between here and the broker.
//!
//! Few, so that what comes meanwhile gathers and travels in one larger packet: a lone query
//! never waits, and a bulk transfer costs the broker an eighth of the messages.

use tokio::sync::Semaphore;

use super::Ended;

/// Enough to keep the broker busy while receipts travel: with pieces of 128 KiB and a round
/// trip of half a millisecond this is 1 GB/s.
const MOST: usize = 4;

#[derive(Debug)]
pub(super) struct Flights(Semaphore);

impl Default for Flights {
    fn default() -> Self {
        Self(Semaphore::new(MOST))
    }
}

impl Flights {
    /// Waits until one more may leave.
    pub(super) async fn board(&self) -> Result<(), Ended> {
        self.0.acquire().await.map(tokio::sync::SemaphorePermit::forget).map_err(|_| Ended)
    }

    /// Whether the next one has to wait.
    pub(super) fn full(&self) -> bool {
        self.0.available_permits() == 0
    }

    /// A receipt is in.
    pub(super) fn land(&self) {
        if self.0.available_permits() < MOST {
            self.0.add_permits(1);
        }
    }

    /// Nothing leaves any more.
    pub(super) fn ground(&self) {
        self.0.close();
    }
}
