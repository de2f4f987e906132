//! Where recordings end up, and who is asked for everything that must not be lost.
//!
//! Segments are in PostgreSQL, or in a bucket. With a bucket the object comes first, then the
//! row that refers to it, then the acknowledgement. A crash in between leaves an object that
//! nobody refers to yet: its key says what is in it, so the next try writes the same again.

mod copies;
mod place;

use hoop_domain::{SessionId, manifest::SigningKey};
use hoop_objects::Objects;
use hoop_store::{
    Store,
    recording::{End, Error, Lease, Progress, Write},
};

/// The store that a recording is safe in.
#[derive(Debug, Clone)]
pub struct FinalStore {
    database: Store,
    objects: Option<Objects>,
}

impl FinalStore {
    /// Segments go to `objects` where it is given.
    #[must_use]
    pub const fn new(database: Store, objects: Option<Objects>) -> Self {
        Self { database, objects }
    }

    /// The database, which holds the leases whatever holds the segments.
    #[must_use]
    pub const fn database(&self) -> &Store {
        &self.database
    }

    /// Stores all of `writes`, which were [placed](Self::place), under `lease`, or none.
    pub(crate) async fn commit(
        &self,
        lease: &Lease,
        writes: &[Write],
        key: &SigningKey,
    ) -> Result<(), Error> {
        if writes.is_empty() {
            return Ok(());
        }
        self.database.recordings_commit(lease, writes, key).await
    }

    /// Which of `writes` are stored already, in their order.
    pub(crate) async fn stored(&self, writes: &[Write]) -> Result<Vec<bool>, Error> {
        self.database.recordings_stored(writes).await
    }

    /// Notes what came after the end of a recording.
    pub(crate) async fn add_flaws(&self, lease: &Lease, write: &Write) -> Result<(), Error> {
        self.database.recording_flaws_add(lease, write).await
    }

    /// How far `sessions` have come.
    pub(crate) async fn progress(&self, sessions: &[SessionId]) -> Result<Vec<Progress>, Error> {
        self.database.recordings_progress(sessions).await
    }

    /// Which of `sessions` are over by their row.
    pub(crate) async fn closed(
        &self,
        sessions: &[SessionId],
    ) -> Result<Vec<(SessionId, End)>, Error> {
        self.database.recordings_closed(sessions).await
    }
}
