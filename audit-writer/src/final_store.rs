//! Where recordings end up. One of these is asked for everything that must not be lost.

use hoop_domain::{SessionId, manifest::SigningKey};
use hoop_store::{
    Store,
    recording::{End, Error, Lease, Progress, Write},
};

/// The store that a recording is safe in. An object store is the next one: there the
/// segments go into objects first, and the rest to PostgreSQL as here.
#[derive(Debug, Clone)]
pub enum FinalStore {
    /// Segments in the state store.
    Postgres(Store),
}

impl FinalStore {
    /// The database, which holds the leases whatever holds the segments.
    #[must_use]
    pub const fn database(&self) -> &Store {
        let Self::Postgres(store) = self;
        store
    }

    /// Stores all of `writes` under `lease`, or none.
    pub(crate) async fn commit(
        &self,
        lease: &Lease,
        writes: &[Write],
        key: &SigningKey,
    ) -> Result<(), Error> {
        let Self::Postgres(store) = self;
        store.recordings_commit(lease, writes, key).await
    }

    /// Notes what came after the end of a recording.
    pub(crate) async fn add_flaws(&self, lease: &Lease, write: &Write) -> Result<(), Error> {
        let Self::Postgres(store) = self;
        store.recording_flaws_add(lease, write).await
    }

    /// How far `sessions` have come.
    pub(crate) async fn progress(&self, sessions: &[SessionId]) -> Result<Vec<Progress>, Error> {
        let Self::Postgres(store) = self;
        store.recordings_progress(sessions).await
    }

    /// Which of `sessions` are over by their row.
    pub(crate) async fn closed(
        &self,
        sessions: &[SessionId],
    ) -> Result<Vec<(SessionId, End)>, Error> {
        let Self::Postgres(store) = self;
        store.recordings_closed(sessions).await
    }
}
