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
    friend: (i32, [u8; 16]),
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
        let both = format!("{source} {account}");
        let friend = friend(&key, &both);
        let pair = slot(&key, Kind::Pair, &both, PAIR);
        let apart = if app.store.login_is_friend(friend.0, &friend.1).await? {
            Vec::new()
        } else {
            vec![
                slot(&key, Kind::Source, &source, SOURCE),
                slot(&key, Kind::Account, account, ACCOUNT),
            ]
        };
        let shared = Self { pair, apart, friend };
        count(app, &shared.slots()).await?;
        Ok(shared)
    }

    /// It was right: nothing is held against them here any more. What else was counted for
    /// their source is not theirs to have forgotten, nor is what strangers did to the account.
    pub(super) async fn succeeded(self, app: &App) -> Result<()> {
        let (place, tag) = self.friend;
        app.store.login_forget(&self.pair).await?;
        app.store.login_give_back(&self.apart).await?;
        Ok(app.store.login_befriend(place, &tag).await?)
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
    let (key, both) = (key(app), format!("{} {account}", network(source)));
    let friend = friend(&key, &both);
    let known = app.store.login_is_friend(friend.0, &friend.1).await?;
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

/// Where those who have logged in are remembered, and how this one is told from others there.
fn friend(key: &hmac::Key, both: &str) -> (i32, [u8; 16]) {
    (i32::try_from(place(key, Kind::Pair, both)).unwrap_or_default(), tag(key, both))
}

fn slot(key: &hmac::Key, kind: Kind, of: &str, rule: BackOff) -> Slot {
    let number = kind.number() * SLOTS + place(key, kind, of);
    Slot { number: i32::try_from(number).unwrap_or_default(), rule }
}

/// Where something is among the slots of its kind.
fn place(key: &hmac::Key, kind: Kind, of: &str) -> u32 {
    let hash = hmac::sign(key, format!("{} {of}", kind.number()).as_bytes());
    let first = hash.as_ref().first_chunk().copied().unwrap_or_default();
    u32::from_be_bytes(first) % SLOTS
}

/// What tells one from others that share its place.
fn tag(key: &hmac::Key, of: &str) -> [u8; 16] {
    let hash = hmac::sign(key, format!("friend {of}").as_bytes());
    hash.as_ref().first_chunk().copied().unwrap_or_default()
}
