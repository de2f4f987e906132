//! Mistakes that all processes count together.
//!
//! As in [`hoop_domain::attempts`], they are counted for a source and an account, for a source,
//! and for an account, and those who have logged in before from where they are have only the
//! first to mind. Here each makes the next one wait, longer and longer
//! ([`hoop_domain::back_off`]). Slots come from a keyed hash, so nobody chooses with whom they
//! share one.

use std::{net::IpAddr, time::Duration};

use aws_lc_rs::hmac;
use hoop_domain::{
    BackOff,
    attempts::{self, Allowance, TooMany, network},
    time,
};
use hoop_store::login::Slot;

use crate::{App, error::Result};

/// They begin as each process counts, so that whoever is let in here is let in there.
const PAIR: BackOff = growing(attempts::PAIR, 900);
const SOURCE: BackOff = growing(attempts::SOURCE, 900);

/// Who has never logged in from where they are waits for what strangers did, so they wait a
/// minute at most. In that time one mistake is forgotten, which is as many as fifteen attackers
/// make who wait as pairs: so few let no user wait at all.
const ACCOUNT: BackOff = growing(attempts::ACCOUNT, 60);

/// In the long run a hundred codes a day, and there are a million.
const CODES: BackOff = growing(Allowance { burst: 10, every: Duration::from_secs(30) }, 900);

const fn growing(allowance: Allowance, most: u64) -> BackOff {
    let Allowance { burst, every } = allowance;
    BackOff { free: burst, first: every, most: Duration::from_secs(most) }
}

/// Slots of one kind.
const SLOTS: u32 = 65536;

/// What a slot is for. Each kind has slots of its own.
#[derive(Clone, Copy)]
enum Kind {
    Pair,
    Source,
    Account,
    Code,
}

/// A try that was counted as a mistake.
pub(super) struct Shared {
    pair: Slot,
    /// What else it was counted for.
    apart: Vec<Slot>,
    place: [u8; 16],
}

impl Kind {
    const fn number(self) -> u32 {
        match self {
            Self::Pair => 0,
            Self::Source => 1,
            Self::Account => 2,
            Self::Code => 3,
        }
    }
}

impl Shared {
    /// Counts a try.
    pub(super) async fn begin(app: &App, source: IpAddr, account: &str) -> Result<Self> {
        let (key, source) = (key(app), network(source).to_string());
        let place = place(&key, &source);
        let pair = slot(&key, Kind::Pair, &format!("{source} {account}"), PAIR);
        let apart = if app.org.login_is_known(account, &place).await? {
            Vec::new()
        } else {
            vec![
                slot(&key, Kind::Source, &source, SOURCE),
                slot(&key, Kind::Account, account, ACCOUNT),
            ]
        };
        let shared = Self { pair, apart, place };
        count(app, &shared.slots()).await?;
        Ok(shared)
    }

    /// It was right: nothing is held against them here any more. What else was counted for
    /// their source is not theirs to have forgotten, nor is what strangers did to the account.
    pub(super) async fn succeeded(self, app: &App, account: &str) -> Result<()> {
        app.store.login_forget(&self.pair).await?;
        app.store.login_give_back(&self.apart).await?;
        Ok(app.org.login_remember(account, &self.place, app.now()).await?)
    }

    /// It was no mistake.
    pub(super) async fn forgiven(self, app: &App) -> Result<()> {
        Ok(app.store.login_give_back(&self.slots()).await?)
    }

    fn slots(&self) -> Vec<Slot> {
        let mut slots = self.apart.clone();
        slots.push(self.pair);
        slots
    }
}

/// Counts a code. Whoever has got hold of the password uses up what strangers have, and not what
/// those have who have logged in before from where they are.
pub(super) async fn begin_code(app: &App, source: IpAddr, account: &str) -> Result<Slot> {
    let (key, source) = (key(app), network(source).to_string());
    let known = app.org.login_is_known(account, &place(&key, &source)).await?;
    let both = format!("{source} {account}");
    let slot = slot(&key, Kind::Code, if known { both.as_str() } else { account }, CODES);
    count(app, &[slot]).await?;
    Ok(slot)
}

async fn count(app: &App, slots: &[Slot]) -> Result<()> {
    match app.store.login_begin(slots, time::to_micros(app.now())).await? {
        None => Ok(()),
        Some(wait) => Err(TooMany(wait).into()),
    }
}

fn key(app: &App) -> hmac::Key {
    app.secrets().derive("hoop failed logins v1")
}

/// The slot of something among those of its kind.
fn slot(key: &hmac::Key, kind: Kind, of: &str, rule: BackOff) -> Slot {
    let hash = hmac::sign(key, format!("{} {of}", kind.number()).as_bytes());
    let first = hash.as_ref().first_chunk().copied().unwrap_or_default();
    let number = kind.number() * SLOTS + u32::from_be_bytes(first) % SLOTS;
    Slot { number: i32::try_from(number).unwrap_or_default(), rule }
}

/// What is remembered of a source that somebody has logged in from.
fn place(key: &hmac::Key, source: &str) -> [u8; 16] {
    let hash = hmac::sign(key, format!("place {source}").as_bytes());
    hash.as_ref().first_chunk().copied().unwrap_or_default()
}
