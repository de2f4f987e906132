//! Failed logins, counted by all processes together, in a bounded number of rows.
//!
//! A slot is a bucket that fills with mistakes and empties with time. What is kept is when it
//! will be empty; the rest is arithmetic.

use std::time::Duration;

use crate::{Result, Store};

/// A slot, and how many mistakes it takes.
#[derive(Debug, Clone, Copy)]
pub struct Slot {
    /// Its number.
    pub number: i32,
    /// So many at once.
    pub burst: u32,
    /// And then one each time this has passed.
    pub every: Duration,
}

impl Slot {
    fn step(&self) -> i64 {
        i64::try_from(self.every.as_micros()).unwrap_or(i64::MAX)
    }

    /// How long one more mistake has to wait, in a slot that is empty at `whole_at`.
    fn wait(&self, whole_at: i64, now: i64) -> i64 {
        let room = self.step().saturating_mul(self.burst.into());
        self.after(whole_at, now).saturating_sub(room).saturating_sub(now).max(0)
    }

    /// When it is empty after one more.
    fn after(&self, whole_at: i64, now: i64) -> i64 {
        whole_at.max(now).saturating_add(self.step())
    }
}

impl Store {
    /// Counts a try as a mistake in each of these slots, unless one of them is full: then how
    /// long it has to wait, and nothing is counted. `now` is in microseconds since the epoch.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn login_begin(&self, slots: &[Slot], now: i64) -> Result<Option<Duration>> {
        let mut slots = slots.to_vec();
        // In one order everywhere, so that two logins can't wait for each other.
        slots.sort_unstable_by_key(|slot| slot.number);
        slots.dedup_by_key(|slot| slot.number);
        let numbers: Vec<i32> = slots.iter().map(|slot| slot.number).collect();
        let mut tx = self.pool().begin().await?;
        sqlx::query!(
            "INSERT INTO login_slots (slot, whole_at) SELECT slot, 0 FROM unnest($1::int[]) AS slot
             ORDER BY slot ON CONFLICT DO NOTHING",
            &numbers
        )
        .execute(&mut *tx)
        .await?;
        let rows = sqlx::query!(
            "SELECT slot, whole_at FROM login_slots WHERE slot = ANY($1) ORDER BY slot FOR UPDATE",
            &numbers
        )
        .fetch_all(&mut *tx)
        .await?;
        let held: Vec<_> = slots.iter().zip(rows.iter().map(|row| row.whole_at)).collect();
        let wait = held.iter().map(|(slot, whole_at)| slot.wait(*whole_at, now)).max();
        if let Some(wait @ 1..) = wait {
            return Ok(Some(Duration::from_micros(wait.unsigned_abs())));
        }
        let after: Vec<i64> = held.iter().map(|(slot, at)| slot.after(*at, now)).collect();
        sqlx::query!(
            "UPDATE login_slots s SET whole_at = n.whole_at
             FROM unnest($1::int[], $2::bigint[]) AS n (slot, whole_at) WHERE s.slot = n.slot",
            &numbers,
            &after
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(None)
    }

    /// Takes back a mistake that was none.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn login_give_back(&self, slots: &[Slot]) -> Result<()> {
        let mut slots = slots.to_vec();
        slots.sort_unstable_by_key(|slot| slot.number);
        slots.dedup_by_key(|slot| slot.number);
        for slot in slots {
            sqlx::query!(
                "UPDATE login_slots SET whole_at = whole_at - $2 WHERE slot = $1",
                slot.number,
                slot.step()
            )
            .execute(self.pool())
            .await?;
        }
        Ok(())
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
