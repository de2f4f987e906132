//! How often somebody may ask: an identity, an address, and those whom nobody knows.
//!
//! Who is signed in is counted by who they are, so that neighbours behind one address don't
//! count for each other; strangers can be counted by their address only, and get less. Nothing
//! is written for who asks too often, or they could fill the audit log.

use std::{
    hash::Hash,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use hoop_domain::{UserId, attempts::network, rate::Allowance, rate::Rate};
use http::Method;

use super::Rule;
use crate::{Error, config::Rates, error::Result, metrics};

/// Routes that write a row for whoever asks: a sign-in that is begun.
const BEGIN: [(Method, &str); 3] = [
    (Method::GET, "/api/login"),
    (Method::GET, "/api/saml/login"),
    (Method::POST, "/api/login/device/begin"),
];

/// Sign-ins that are begun everywhere: each is kept for ten minutes at most.
const ALL_BEGUN: Allowance = Allowance { burst: 6000, every: Duration::from_millis(10) };

/// Lines of the audit log about strangers who were refused, from everywhere at one of our doors:
/// those who would change something, those who read, and those at edges are counted apart.
const ALL_REFUSED: Allowance = Allowance { burst: 6000, every: Duration::from_millis(10) };

/// Lines about one address that may not read, with one credential or with none: a page that is
/// left open asks for ever, and says nothing new.
const READING: Allowance = Allowance { burst: 1, every: Duration::from_secs(60) };

/// A load balancer that is told to wait takes the process for dead.
pub(super) const ALWAYS: &str = "/api/healthz";

/// Everybody's counts.
#[derive(Debug)]
pub(crate) struct Limits {
    identities: Limit,
    addresses: Limit,
    strangers: Limit,
    begun: Limit,
    all_begun: Limit,
    all_refused: Limit,
    reading: Limit,
}

/// `None` where there is no limit.
#[derive(Debug)]
struct Limit(Option<Mutex<Rate>>);

impl Limit {
    fn new(allowance: Option<Allowance>, now: Instant) -> Self {
        Self(allowance.map(|allowance| Mutex::new(Rate::new(allowance, now))))
    }

    fn take(&self, whose: impl Hash) -> Result<()> {
        let Some(rate) = &self.0 else { return Ok(()) };
        let mut rate = rate.lock().unwrap_or_else(PoisonError::into_inner);
        rate.take(whose, Instant::now()).map_err(Error::TooManyRequests)
    }
}

impl Limits {
    pub(crate) fn new(rates: &Rates, now: Instant) -> Self {
        let (begun, strangers) = (rates.sign_in.allowance(), rates.stranger.allowance());
        Self {
            identities: Limit::new(rates.identity.allowance(), now),
            addresses: Limit::new(rates.address.allowance(), now),
            strangers: Limit::new(strangers, now),
            all_begun: Limit::new(begun.map(|_| ALL_BEGUN), now),
            begun: Limit::new(begun, now),
            // These keep nobody from anything, so they can't be switched off.
            all_refused: Limit::new(Some(ALL_REFUSED), now),
            reading: Limit::new(Some(READING), now),
        }
    }

    /// Somebody at `source` asks; it costs nothing yet.
    ///
    /// # Errors
    /// When that address asks too often.
    pub(crate) fn anybody(&self, source: IpAddr) -> Result<()> {
        self.addresses.take(network(source))
    }

    /// Somebody at `source` asks for a route that is for everybody.
    ///
    /// # Errors
    /// When strangers at that address ask too often, or too many sign-ins are begun.
    pub(super) fn stranger(&self, source: IpAddr, method: &Method, rule: &Rule) -> Result<()> {
        if rule.route == ALWAYS {
            return Ok(());
        }
        self.unknown(source)?;
        if BEGIN.iter().any(|(of, route)| of == method && *route == rule.route) {
            self.begun.take(network(source))?;
            self.all_begun.take(())?;
        }
        Ok(())
    }

    /// Somebody at `source` claims to be somebody, and is not.
    ///
    /// # Errors
    /// When strangers at that address ask too often.
    pub(super) fn unknown(&self, source: IpAddr) -> Result<()> {
        self.strangers.take(network(source))
    }

    /// A stranger was refused, which is to be written down.
    ///
    /// # Errors
    /// When too much of that is written already: many addresses together could fill the log.
    pub(crate) fn written(&self) -> Result<()> {
        self.room("changes")
    }

    /// A stranger at `source` may not read something, which is to be written down, with what
    /// they show to be somebody: counted apart, so that what they would change is still told.
    ///
    /// # Errors
    /// When that, or too much of it in all, is written already.
    pub(crate) fn reading(&self, source: IpAddr, shown: Option<&[u8]>) -> Result<()> {
        self.reading.take((network(source), shown))?;
        self.room("reading")
    }

    /// Somebody was refused at an edge, which is to be written down: as seldom as here, and
    /// counted apart, so that nobody is kept from signing in by it.
    ///
    /// # Errors
    /// When too much of that is written already.
    pub(crate) fn denied(&self, who: Option<UserId>, source: IpAddr) -> Result<()> {
        if let Some(who) = who {
            return self.refused(who);
        }
        self.strangers.take(("edge", network(source)))?;
        self.room("edges")
    }

    /// Room in the log for one line about a stranger at this door. One that finds none is counted:
    /// whoever looks at the log is to know that it does not say everything.
    fn room(&self, door: &'static str) -> Result<()> {
        self.all_refused.take(door).inspect_err(|_| metrics::unwritten())
    }

    /// Somebody who is signed in asks.
    ///
    /// # Errors
    /// When they ask too often.
    pub(super) fn known(&self, who: UserId) -> Result<()> {
        self.identities.take(who.as_bytes())
    }

    /// Somebody who is signed in asks for what they may not have, which is written down as
    /// seldom as what strangers do.
    ///
    /// # Errors
    /// When they do that too often.
    pub(super) fn refused(&self, who: UserId) -> Result<()> {
        self.strangers.take(who.as_bytes())
    }
}
