//! Keeping strangers from guessing passwords: how many tries a source and an account have.

use std::{
    net::IpAddr,
    sync::{MutexGuard, PoisonError},
    time::Instant,
};

use hoop_domain::attempts::{Attempt, Attempts, TooMany};

use crate::App;

/// One try at an account.
pub(crate) struct Guess<'a> {
    app: &'a App,
    source: IpAddr,
    account: String,
}

impl<'a> Guess<'a> {
    /// Of somebody at `source` who says to be `email`. Cheap, and the first thing to do: who
    /// is refused here costs neither a query nor a hash.
    ///
    /// # Errors
    /// When there were too many.
    pub(crate) fn new(
        app: &'a App,
        source: IpAddr,
        email: &str,
        now: Instant,
    ) -> Result<Self, TooMany> {
        // As the store compares them, so that spelling an address in another way is no way out.
        let guess = Self { app, source, account: email.to_lowercase() };
        guess.attempts().check(source, &guess.account, now)?;
        Ok(guess)
    }

    /// Counts it as wrong, until it turns out right. To be called before the password is
    /// looked at, but after all that can fail without fault of the one who tries.
    ///
    /// # Errors
    /// When there were too many meanwhile.
    pub(crate) fn begin(&self, now: Instant) -> Result<Attempt, TooMany> {
        self.attempts().begin(self.source, &self.account, now)
    }

    /// It was right.
    pub(crate) fn succeeded(&self, attempt: Attempt) {
        self.attempts().succeeded(attempt);
    }

    fn attempts(&self) -> MutexGuard<'a, Attempts> {
        self.app.logins.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
