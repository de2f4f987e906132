//! How long a client may take for its login, counting its own time only.

use std::{future::Future, time::Duration};

use tokio::time::{Instant, timeout};

/// The client took too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exhausted;

/// An amount of time that only waiting for the client uses up: what the gateway or the
/// agent takes in between is not the client's fault.
#[derive(Debug)]
pub(crate) struct Patience(Duration);

impl Patience {
    pub(crate) const fn new(amount: Duration) -> Self {
        Self(amount)
    }

    pub(crate) async fn wait<F: Future>(&mut self, client: F) -> Result<F::Output, Exhausted> {
        let started = Instant::now();
        let outcome = timeout(self.0, client).await.map_err(|_| Exhausted);
        self.0 = self.0.saturating_sub(started.elapsed());
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_waiting_for_the_client_uses_it_up() {
        let mut patience = Patience::new(Duration::from_secs(10));
        let client = || tokio::time::sleep(Duration::from_secs(6));
        assert_eq!(patience.wait(client()).await, Ok(()));
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(patience.wait(client()).await, Err(Exhausted));
    }
}
