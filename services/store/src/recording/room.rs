//! Whether there is room for one more recording, as the writers say.

use std::time::Duration;

use hoop_domain::Partition;

use super::{Error, WriterId, lease::interval};
use crate::{Store, convert};

/// Nobody holds a partition for longer than this only because a writer is replaced.
const LONGEST_SILENCE: Duration = Duration::from_secs(60);

/// Why no new sessions should be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The disk of the writer's spool is nearly full.
    SpoolNearlyFull,
    /// The stream that recordings pass through is nearly full.
    StreamNearlyFull,
    /// No writer has held the partition for a minute.
    NoWriter,
}

impl Trouble {
    /// What a writer can say of itself.
    const SAID: [Self; 2] = [Self::SpoolNearlyFull, Self::StreamNearlyFull];

    /// The name that is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SpoolNearlyFull => "spool_nearly_full",
            Self::StreamNearlyFull => "stream_nearly_full",
            Self::NoWriter => "no_writer",
        }
    }
}

impl std::str::FromStr for Trouble {
    type Err = ();
    fn from_str(name: &str) -> Result<Self, ()> {
        Self::SAID.into_iter().find(|known| known.as_str() == name).ok_or(())
    }
}

impl Store {
    /// Says that `writer` can't take more, or that it can again.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn writer_trouble(
        &self,
        writer: WriterId,
        trouble: Option<Trouble>,
    ) -> Result<(), Error> {
        sqlx::query!(
            "UPDATE audit_writers SET trouble = $2 WHERE id = $1",
            writer.uuid(),
            trouble.map(Trouble::as_str)
        )
        .execute(self.pool())
        .await?;
        Ok(())
    }

    /// Why a session that would be recorded in `partition` should not be opened.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn recording_trouble(&self, partition: Partition) -> Result<Option<Trouble>, Error> {
        let row = sqlx::query!(
            r#"SELECT l.seen_at < clock_timestamp() - $2::interval AS "silent!", w.trouble AS "trouble?"
               FROM partition_leases l LEFT JOIN audit_writers w ON w.id = l.owner
               WHERE l.partition = $1"#,
            i16::from(partition.number()),
            interval(LONGEST_SILENCE)
        )
        .fetch_one(self.pool())
        .await?;
        if row.silent {
            return Ok(Some(Trouble::NoWriter));
        }
        let said = row.trouble.as_deref().map(|name| convert::parse(name, "a writer's trouble"));
        Ok(said.transpose()?)
    }
}
