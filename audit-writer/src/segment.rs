//! Packing a piece of the spool into a segment.

use std::sync::{Arc, Mutex, PoisonError};

use hoop_store::recording::{Segment, format};

use crate::{Error, session::PieceInfo, spool::SpooledPiece};

/// Below this, compressing takes less time than handing the work to another thread.
const INLINE: u64 = 32 * 1024;

/// The process's one compressor: its tables are large, and two cores need no second one.
#[derive(Debug, Clone)]
pub struct Packer(Arc<Mutex<format::Packer>>);

impl Packer {
    /// A compressor to be shared.
    ///
    /// # Errors
    /// When there is no memory for its tables.
    pub fn new() -> Result<Self, Error> {
        let packer = format::Packer::new().map_err(Error::Compress)?;
        Ok(Self(Arc::new(Mutex::new(packer))))
    }

    /// Makes a segment of a piece.
    ///
    /// # Errors
    /// When the spool does not give it back.
    pub async fn pack(&self, info: PieceInfo, piece: SpooledPiece) -> Result<Segment, Error> {
        if info.raw_bytes <= INLINE && !piece.on_disk() {
            return self.pack_now(info, &piece);
        }
        let packer = self.clone();
        let task = tokio::task::spawn_blocking(move || packer.pack_now(info, &piece));
        task.await.map_err(|cause| Error::Compress(std::io::Error::other(cause)))?
    }

    fn pack_now(&self, info: PieceInfo, piece: &SpooledPiece) -> Result<Segment, Error> {
        let records = piece
            .read()
            .map_err(|source| Error::Spool { path: "a spooled session".into(), source })?;
        // A compressor is begun anew for each segment, so a panic left nothing half done.
        let mut packer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let stored = packer.pack(&records).map_err(Error::Compress)?;
        drop(packer);
        Ok(info.into_segment(stored))
    }
}
