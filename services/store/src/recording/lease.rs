//! Which writer works on which partition. All times are the database's.

use std::{fmt, time::Duration};

use hoop_domain::Partition;
use sqlx::postgres::types::PgInterval;
use uuid::Uuid;

use super::Error;
use crate::Store;

/// One run of one audit-writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WriterId(Uuid);

impl WriterId {
    /// A new one.
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }

    pub(super) const fn uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for WriterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The right to write a partition, until somebody else is given it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// The partition.
    pub partition: Partition,
    /// Who has it.
    pub owner: WriterId,
    /// How often it has changed hands.
    pub epoch: i64,
}

/// What a writer learns each time it says that it is alive.
#[derive(Debug, Clone)]
pub struct Round {
    /// The leases that it has, now renewed.
    pub held: Vec<Lease>,
    /// The partitions that nobody has.
    pub free: Vec<Partition>,
    /// How many writers are alive, this one included.
    pub writers: usize,
}

impl Store {
    /// Says that `writer` is alive, and renews what it holds for `lasting`.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn leases_renew(&self, writer: WriterId, lasting: Duration) -> Result<Round, Error> {
        let lasting = interval(lasting);
        let mut tx = self.pool().begin().await?;
        sqlx::query!(
            "INSERT INTO audit_writers (id, seen_at) VALUES ($1, clock_timestamp())
             ON CONFLICT (id) DO UPDATE SET seen_at = clock_timestamp()",
            writer.0
        )
        .execute(&mut *tx)
        .await?;
        let held = sqlx::query!(
            "UPDATE partition_leases
             SET expires_at = clock_timestamp() + $2, seen_at = clock_timestamp()
             WHERE owner = $1 RETURNING partition, epoch",
            writer.0,
            lasting
        )
        .fetch_all(&mut *tx)
        .await?;
        let free = sqlx::query_scalar!(
            "SELECT partition FROM partition_leases
             WHERE owner IS NULL OR expires_at < clock_timestamp() ORDER BY partition"
        )
        .fetch_all(&mut *tx)
        .await?;
        let writers = sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!" FROM audit_writers
               WHERE clock_timestamp() - $1::interval <= seen_at"#,
            lasting
        )
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        let held = held.into_iter().filter_map(|row| {
            Some(Lease { partition: partition(row.partition)?, owner: writer, epoch: row.epoch })
        });
        Ok(Round {
            held: held.collect(),
            free: free.into_iter().filter_map(partition).collect(),
            writers: usize::try_from(writers).unwrap_or(1).max(1),
        })
    }

    /// Takes `partition` for `lasting` if nobody has it, or if `writer` has it already.
    /// Either way the epoch is a new one.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn lease_acquire(
        &self,
        writer: WriterId,
        partition: Partition,
        lasting: Duration,
    ) -> Result<Option<Lease>, Error> {
        let epoch = sqlx::query_scalar!(
            "UPDATE partition_leases
             SET owner = $1, epoch = epoch + 1, expires_at = clock_timestamp() + $3,
               seen_at = clock_timestamp()
             WHERE partition = $2
               AND (owner IS NULL OR owner = $1 OR expires_at < clock_timestamp())
             RETURNING epoch",
            writer.0,
            i16::from(partition.number()),
            interval(lasting)
        )
        .fetch_optional(self.pool())
        .await?;
        Ok(epoch.map(|epoch| Lease { partition, owner: writer, epoch }))
    }

    /// Gives a lease back, so that another writer need not wait for it to run out.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn lease_release(&self, lease: Lease) -> Result<(), Error> {
        sqlx::query!(
            "UPDATE partition_leases SET owner = NULL, expires_at = '-infinity'
             WHERE partition = $1 AND owner = $2 AND epoch = $3",
            i16::from(lease.partition.number()),
            lease.owner.0,
            lease.epoch
        )
        .execute(self.pool())
        .await?;
        Ok(())
    }

    /// Says that `writer` is gone, and forgets those that are long gone.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn writer_leave(&self, writer: WriterId) -> Result<(), Error> {
        sqlx::query!(
            "DELETE FROM audit_writers
             WHERE id = $1 OR seen_at < clock_timestamp() - interval '1 day'",
            writer.0
        )
        .execute(self.pool())
        .await?;
        Ok(())
    }
}

fn partition(number: i16) -> Option<Partition> {
    Partition::from_number(u8::try_from(number).ok()?)
}

pub(super) fn interval(duration: Duration) -> PgInterval {
    let microseconds = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
    PgInterval { months: 0, days: 0, microseconds }
}
