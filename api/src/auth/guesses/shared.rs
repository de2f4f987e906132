//! Mistakes that all processes count together.
//!
//! The rules are those of [`hoop_domain::attempts`]: an allowance of a source and an account,
//! one of a source, one of an account, and those who have logged in before from where they are
//! have only the first. Slots come from a keyed hash, so nobody chooses with whom they share one.

use std::{net::IpAddr, time::Duration};

use aws_lc_rs::hmac;
use hoop_domain::{
    attempts::{ACCOUNT, Allowance, PAIR, SOURCE, TooMany, network},
    time,
};
use hoop_store::login::Slot;

use crate::{App, error::Result};

/// Ten codes at once, then one in five minutes: a million codes are many years.
const CODES: Allowance = Allowance { burst: 10, every: Duration::from_secs(300) };

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
    slots: Vec<Slot>,
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
        let key = app.secrets().derive("hoop failed logins v1");
        let source = network(source).to_string();
        let both = format!("{source} {account}");
        let (place, tag) = (place(&key, Kind::Pair, &both), tag(&key, &both));
        let friend = (i32::try_from(place).unwrap_or_default(), tag);
        let mut slots = vec![slot(&key, Kind::Pair, &both, PAIR)];
        if !app.store.login_is_friend(friend.0, &friend.1).await? {
            slots.push(slot(&key, Kind::Source, &source, SOURCE));
            slots.push(slot(&key, Kind::Account, account, ACCOUNT));
        }
        count(app, &slots).await?;
        Ok(Self { slots, friend })
    }

    /// It was right.
    pub(super) async fn succeeded(self, app: &App) -> Result<()> {
        let (place, tag) = self.friend;
        self.forgiven(app).await?;
        Ok(app.store.login_befriend(place, &tag).await?)
    }

    /// It was no mistake.
    pub(super) async fn forgiven(self, app: &App) -> Result<()> {
        Ok(app.store.login_give_back(&self.slots).await?)
    }
}

/// Counts a code.
pub(super) async fn begin_code(app: &App, account: &str) -> Result<Slot> {
    let key = app.secrets().derive("hoop failed logins v1");
    let slot = slot(&key, Kind::Code, account, CODES);
    count(app, &[slot]).await?;
    Ok(slot)
}

async fn count(app: &App, slots: &[Slot]) -> Result<()> {
    match app.store.login_begin(slots, time::to_micros(app.now())).await? {
        None => Ok(()),
        Some(wait) => Err(TooMany(wait).into()),
    }
}

fn slot(key: &hmac::Key, kind: Kind, of: &str, allowance: Allowance) -> Slot {
    let number = kind.number() * SLOTS + place(key, kind, of);
    let Allowance { burst, every } = allowance;
    Slot { number: i32::try_from(number).unwrap_or_default(), burst, every }
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
