//! Keeping strangers from guessing passwords: few at once, and each wrong one takes a while.

use std::{
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hoop_domain::attempts::{Attempt, Attempts, TooMany};
use tokio::time::{Instant, sleep, timeout};

use crate::{client::Error, error::Refusal, figures};

/// How long a refused login waits for its answer, as with PostgreSQL's `auth_delay`.
const DELAY: Duration = Duration::from_millis(500);

/// What is known of one client's tries.
pub(crate) struct Guesses<'a> {
    pub(crate) attempts: &'a Mutex<Attempts>,
    pub(crate) source: IpAddr,
    pub(crate) username: &'a str,
}

impl Guesses<'_> {
    /// Spares everybody the work for a client that is to be refused anyway.
    pub(crate) async fn check(&self) -> Result<(), Error> {
        let allowed = self.attempts().check(self.source, self.username, now());
        match allowed {
            Ok(()) => Ok(()),
            Err(refused) => Err(self.too_many(refused).await),
        }
    }

    /// Counts a password that is about to be looked at, as wrong until it turns out right.
    pub(crate) async fn begin(&self) -> Result<Attempt, Error> {
        let begun = self.attempts().begin(self.source, self.username, now());
        match begun {
            Ok(attempt) => Ok(attempt),
            Err(refused) => Err(self.too_many(refused).await),
        }
    }

    async fn too_many(&self, refused: TooMany) -> Error {
        figures::login("too_many");
        self.refuse(Refusal::too_many_logins(self.username, refused)).await
    }

    pub(crate) fn succeeded(&self, attempt: Attempt) {
        self.attempts().succeeded(attempt);
    }

    /// The refusal, after a while.
    pub(crate) async fn refuse(&self, refusal: Refusal) -> Error {
        sleep(DELAY).await;
        refusal.into()
    }

    /// The same for a wrong password, of which somebody is told meanwhile; they have as long.
    pub(crate) async fn wrong(&self, refusal: Refusal, told: impl Future<Output = ()>) -> Error {
        let (_, error) = tokio::join!(timeout(DELAY, told), self.refuse(refusal));
        error
    }

    fn attempts(&self) -> MutexGuard<'_, Attempts> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The runtime's clock, which tests can turn.
pub(crate) fn now() -> std::time::Instant {
    Instant::now().into_std()
}
