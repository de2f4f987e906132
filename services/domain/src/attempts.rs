//! How often somebody may try to log in, so that a password can't be guessed fast.
//!
//! Three allowances have to be left, each of failures only: what succeeds is given back.
//!
//! | of | so that |
//! | --- | --- |
//! | a source and an account | nobody goes on guessing at one account |
//! | a source | nobody tries one password on all accounts |
//! | an account | many sources together don't guess at one |
//!
//! The last one is out of reach of a single attacker, whom the first stops long before, so
//! one attacker locks no user out. And who has logged in to an account from a source before
//! is counted there by the first alone: neither a neighbour nor a whole botnet takes that
//! away from them.
//!
//! The memory of counts is fixed ([`rate`](crate::rate)), so an attacker with many addresses pushes
//! nobody's count out. Two strangers may share a count by chance, but an attacker can't choose
//! with whom. Where somebody has logged in is remembered for each account apart, so many addresses
//! push nobody else's out. Nothing here reads a clock.

use std::{
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    time::{Duration, Instant},
};

mod known;

pub use crate::rate::Allowance;
use crate::rate::Sketch;
use known::Known;
pub use known::PLACES;

/// Twenty mistakes at once, then one in half a minute: nobody who knows the password needs
/// more, and a year is a million guesses.
pub const PAIR: Allowance = Allowance { burst: 20, every: Duration::from_secs(30) };

/// A company may be behind one address.
pub const SOURCE: Allowance = Allowance { burst: 60, every: Duration::from_secs(5) };

/// Ten attackers with an address each don't use it up.
pub const ACCOUNT: Allowance = Allowance { burst: 200, every: Duration::from_secs(3) };

/// Too many failures; the next try may succeed after this long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many failed logins; try again in {} seconds", self.seconds())]
pub struct TooMany(pub Duration);

impl TooMany {
    /// The time in whole seconds, never none.
    #[must_use]
    pub fn seconds(self) -> u64 {
        self.0.as_secs().saturating_add(1)
    }
}

/// A try that was counted as a failure, until it is known to have succeeded.
#[derive(Debug)]
#[must_use = "a try whose outcome is not told stays a failure"]
pub struct Attempt {
    pair: u64,
    source: u64,
    account: u64,
    /// Whether the account has logged in from there before: then it was counted for the pair only.
    known: bool,
}

/// All tries that a process knows of.
pub struct Attempts {
    pairs: Sketch,
    sources: Sketch,
    accounts: Sketch,
    known: Known,
    hasher: RandomState,
    /// What times are counted from.
    start: Instant,
}

impl std::fmt::Debug for Attempts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attempts").finish_non_exhaustive()
    }
}

impl Attempts {
    /// None yet. No later call may pass an earlier time.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self {
            pairs: Sketch::new(PAIR),
            sources: Sketch::new(SOURCE),
            accounts: Sketch::new(ACCOUNT),
            known: Known::default(),
            hasher: RandomState::new(),
            start: now,
        }
    }

    /// Whether a try would be let through; counts nothing.
    ///
    /// # Errors
    /// When it would not.
    pub fn check(&self, source: IpAddr, account: &str, now: Instant) -> Result<(), TooMany> {
        self.allowed(&self.attempt(source, account), self.since(now))
    }

    /// Counts a try as failed, before anything is done for it: many at once are as many as
    /// one after the other.
    ///
    /// # Errors
    /// When there were too many; then this one is not counted and must not go on.
    pub fn begin(
        &mut self,
        source: IpAddr,
        account: &str,
        now: Instant,
    ) -> Result<Attempt, TooMany> {
        let (attempt, now) = (self.attempt(source, account), self.since(now));
        self.allowed(&attempt, now)?;
        self.pairs.charge(attempt.pair, now);
        if !attempt.known {
            self.sources.charge(attempt.source, now);
            self.accounts.charge(attempt.account, now);
        }
        Ok(attempt)
    }

    /// The password was right.
    pub fn succeeded(&mut self, attempt: Attempt) {
        let Attempt { source, account, .. } = attempt;
        self.forgiven(attempt);
        self.known.remember(account, source);
    }

    /// It was no mistake, and nobody has logged in.
    #[expect(clippy::needless_pass_by_value, reason = "a try is forgiven once")]
    pub fn forgiven(&mut self, attempt: Attempt) {
        self.pairs.give_back(attempt.pair);
        if !attempt.known {
            self.sources.give_back(attempt.source);
            self.accounts.give_back(attempt.account);
        }
    }

    fn attempt(&self, source: IpAddr, account: &str) -> Attempt {
        let source = network(source);
        let pair = self.hasher.hash_one((source, account));
        let (source, account) = (self.hasher.hash_one(source), self.hasher.hash_one(account));
        Attempt { pair, source, account, known: self.known.is(account, source) }
    }

    fn allowed(&self, attempt: &Attempt, now: Duration) -> Result<(), TooMany> {
        let mut wait = self.pairs.wait(attempt.pair, now);
        if !attempt.known {
            wait = wait.max(self.sources.wait(attempt.source, now));
            wait = wait.max(self.accounts.wait(attempt.account, now));
        }
        if wait.is_zero() { Ok(()) } else { Err(TooMany(wait)) }
    }

    fn since(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.start)
    }
}

/// Who has one IPv6 address has 2⁶⁴ of them.
#[must_use]
pub fn network(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests;
