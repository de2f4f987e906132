//! Failed logins, counted by all processes together, in a bounded number of rows.
//!
//! A slot is what is remembered of mistakes. What follows from that is
//! [`BackOff`](hoop_domain::BackOff)'s to say; here it is done while nobody else does.

use std::time::Duration;

use hoop_domain::{BackOff, back_off::Mistakes};
use sqlx::PgConnection;

use crate::{Result, Store};

/// A slot, and how the waits of those who share it grow.
#[derive(Debug, Clone, Copy)]
pub struct Slot {
    /// Its number.
    pub number: i32,
    /// The rule.
    pub rule: BackOff,
}

impl Store {
    /// Counts a try as a mistake in each of these slots, unless one of them makes it wait: then
    /// how long, and nothing is counted. `now` is in microseconds since the epoch.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn login_begin(&self, slots: &[Slot], now: i64) -> Result<Option<Duration>> {
        let slots = in_order(slots);
        let numbers: Vec<i32> = slots.iter().map(|slot| slot.number).collect();
        let mut tx = self.pool().begin().await?;
        sqlx::query!(
            "INSERT INTO login_slots (slot) SELECT slot FROM unnest($1::int[]) AS slot
             ORDER BY slot ON CONFLICT DO NOTHING",
            &numbers
        )
        .execute(&mut *tx)
        .await?;
        let held = held(&mut tx, &slots).await?;
        let wait = held.iter().map(|(_, mistakes)| mistakes.wait(now)).max();
        if let Some(wait) = wait.filter(|wait| !wait.is_zero()) {
            return Ok(Some(wait));
        }
        let after = held.iter().map(|(slot, before)| (*slot, slot.rule.one_more(*before, now)));
        keep(&mut tx, &after.collect::<Vec<_>>()).await?;
        tx.commit().await?;
        Ok(None)
    }

    /// Takes back a mistake that was none.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn login_give_back(&self, slots: &[Slot]) -> Result<()> {
        let mut tx = self.pool().begin().await?;
        let held = held(&mut tx, &in_order(slots)).await?;
        let after = held.iter().map(|(slot, before)| (*slot, slot.rule.one_less(*before)));
        keep(&mut tx, &after.collect::<Vec<_>>()).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Forgets all mistakes of a slot.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn login_forget(&self, slot: &Slot) -> Result<()> {
        let mut conn = self.pool().acquire().await?;
        keep(&mut conn, &[(*slot, Mistakes::default())]).await
    }

    /// Whether the one with this tag has logged in before.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn login_is_friend(&self, slot: i32, tag: &[u8; 16]) -> Result<bool> {
        let known = sqlx::query_scalar!("SELECT tag FROM login_friends WHERE slot = $1", slot)
            .fetch_optional(self.pool())
            .await?;
        Ok(known.is_some_and(|known| known == tag))
    }

    /// Remembers that the one with this tag has logged in; whoever had the slot is forgotten.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn login_befriend(&self, slot: i32, tag: &[u8; 16]) -> Result<()> {
        sqlx::query!(
            "INSERT INTO login_friends (slot, tag) VALUES ($1, $2)
             ON CONFLICT (slot) DO UPDATE SET tag = excluded.tag
             WHERE login_friends.tag <> excluded.tag",
            slot,
            tag.as_slice()
        )
        .execute(self.pool())
        .await?;
        Ok(())
    }
}

/// In one order everywhere, so that two logins can't wait for each other, and each once.
fn in_order(slots: &[Slot]) -> Vec<Slot> {
    let mut slots = slots.to_vec();
    slots.sort_unstable_by_key(|slot| slot.number);
    slots.dedup_by_key(|slot| slot.number);
    slots
}

/// What is remembered of these slots, which nobody else changes meanwhile.
async fn held(conn: &mut PgConnection, slots: &[Slot]) -> Result<Vec<(Slot, Mistakes)>> {
    let numbers: Vec<i32> = slots.iter().map(|slot| slot.number).collect();
    let rows = sqlx::query_as!(
        Mistakes,
        "SELECT forgotten_at, wait_until FROM login_slots WHERE slot = ANY($1)
         ORDER BY slot FOR UPDATE",
        &numbers
    )
    .fetch_all(conn)
    .await?;
    // No row is ever removed, so there is one for each.
    Ok(slots.iter().copied().zip(rows).collect())
}

async fn keep(conn: &mut PgConnection, slots: &[(Slot, Mistakes)]) -> Result<()> {
    let numbers: Vec<i32> = slots.iter().map(|(slot, _)| slot.number).collect();
    let forgotten: Vec<i64> = slots.iter().map(|(_, mistakes)| mistakes.forgotten_at).collect();
    let waits: Vec<i64> = slots.iter().map(|(_, mistakes)| mistakes.wait_until).collect();
    sqlx::query!(
        "UPDATE login_slots s SET forgotten_at = n.forgotten_at, wait_until = n.wait_until
         FROM unnest($1::int[], $2::bigint[], $3::bigint[]) AS n (slot, forgotten_at, wait_until)
         WHERE s.slot = n.slot",
        &numbers,
        &forgotten,
        &waits
    )
    .execute(conn)
    .await?;
    Ok(())
}
