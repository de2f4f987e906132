//! What stops a writer, or makes it begin again.

use hoop_store::recording;

/// Why a writer did not start, or begins again with a partition.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database.
    #[error("the recording store")]
    Store(#[from] recording::Error),
    /// The bucket.
    #[error(transparent)]
    Objects(#[from] hoop_objects::Error),
    /// The broker.
    #[error("the broker")]
    Bus(#[from] hoop_bus::Error),
    /// The spool's disk.
    #[error("the spool at {path}")]
    Spool {
        /// Where it is.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// A segment could not be compressed.
    #[error("compress a segment")]
    Compress(#[source] std::io::Error),
    /// The key that signs manifests.
    #[error("the key in AUDIT_SIGNING_KEY is not usable")]
    SigningKey,
}

impl From<hoop_store::Error> for Error {
    fn from(error: hoop_store::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Error {
    /// The broker's refusal, in its words.
    pub(crate) fn broker(cause: impl std::fmt::Display) -> Self {
        Self::Bus(hoop_bus::Error::Refused { cause: cause.to_string() })
    }
}
