//! Keeping strangers from guessing passwords: how many tries a source and an account have.
//!
//! Twice: this process's own count is the first door and costs nothing, so a flood stops there;
//! the count in the database is that of all processes together, outlives them, and makes waits
//! grow.

mod shared;

use std::{
    net::IpAddr,
    sync::{MutexGuard, PoisonError},
    time::Instant,
};

use hoop_domain::attempts::{self, Attempts, TooMany};

use crate::{App, error::Result};
use shared::Shared;

/// One try at an account.
pub(crate) struct Guess<'a> {
    app: &'a App,
    source: IpAddr,
    account: String,
}

/// A try that was counted as a mistake, until it is known to be none.
#[must_use = "a try whose outcome is not told stays a mistake"]
pub(crate) struct Attempt {
    own: attempts::Attempt,
    shared: Shared,
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
    /// When there were too many meanwhile, here or in other processes.
    pub(crate) async fn begin(&self, now: Instant) -> Result<Attempt> {
        let own = self.attempts().begin(self.source, &self.account, now)?;
        let shared = Shared::begin(self.app, self.source, &self.account).await?;
        Ok(Attempt { own, shared })
    }

    /// Counts a code as wrong, until it turns out right: who is asked for one knows the
    /// password, so there are few.
    ///
    /// # Errors
    /// When there were too many.
    pub(crate) async fn begin_code(&self) -> Result<Code> {
        shared::begin_code(self.app, self.source, &self.account).await.map(Code)
    }

    /// It was right.
    pub(crate) async fn succeeded(&self, attempt: Attempt) -> Result<()> {
        self.attempts().succeeded(attempt.own);
        attempt.shared.succeeded(self.app, &self.account).await
    }

    /// It was right so far, and nobody has logged in yet.
    pub(crate) async fn forgiven(&self, attempt: Attempt) -> Result<()> {
        self.attempts().forgiven(attempt.own);
        attempt.shared.forgiven(self.app).await
    }

    /// The code was right.
    pub(crate) async fn code_was_right(&self, code: Code) -> Result<()> {
        Ok(self.app.store.login_give_back(&[code.0]).await?)
    }

    fn attempts(&self) -> MutexGuard<'a, Attempts> {
        self.app.logins.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A code that was counted as a mistake.
#[must_use = "a code whose outcome is not told stays a mistake"]
pub(crate) struct Code(hoop_store::login::Slot);
