//! Failed logins, counted by all processes together, in a bounded number of rows, and from where
//! each account has logged in, in a bounded number of rows of its own.
//!
//! A slot is what is remembered of mistakes. What follows from that is
//! [`BackOff`](hoop_domain::BackOff)'s to say; here it is done while nobody else does.

use std::time::Duration;

use chrono::{DateTime, Utc};
use hoop_domain::{BackOff, attempts::PLACES, back_off::Mistakes};
use sqlx::PgConnection;

use crate::{OrgStore, Result, Store};

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
}

impl OrgStore {
    /// Whether this account has logged in from this place before.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn login_is_known(&self, email: &str, place: &[u8; 16]) -> Result<bool> {
        let known = sqlx::query_scalar!(
            r#"SELECT EXISTS (
                 SELECT FROM login_places p JOIN users u ON u.org_id = p.org_id AND u.id = p.user_id
                 WHERE u.org_id = $1 AND u.email = $2 AND p.place = $3) AS "known!""#,
            self.org.uuid(),
            email,
            place.as_slice()
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(known)
    }

    /// It has now. Of each account the latest [`PLACES`] are remembered, so nobody pushes out
    /// those of somebody else.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn login_remember(
        &self,
        email: &str,
        place: &[u8; 16],
        now: DateTime<Utc>,
    ) -> Result<()> {
        let mut tx = self.pool.begin().await?;
        let user = sqlx::query_scalar!(
            "SELECT id FROM users WHERE org_id = $1 AND email = $2 FOR NO KEY UPDATE",
            self.org.uuid(),
            email
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(user) = user else { return Ok(()) };
        sqlx::query!(
            "INSERT INTO login_places (org_id, user_id, place, used_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (user_id, place) DO UPDATE SET used_at = excluded.used_at",
            self.org.uuid(),
            user,
            place.as_slice(),
            now
        )
        .execute(&mut *tx)
        .await?;
        sqlx::query!(
            "DELETE FROM login_places WHERE user_id = $1 AND place NOT IN (
               SELECT place FROM login_places WHERE user_id = $1
               ORDER BY used_at DESC LIMIT $2)",
            user,
            i64::try_from(PLACES).unwrap_or(i64::MAX)
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
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
