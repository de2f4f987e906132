//! The packets of one session between two segments: small in memory, large in a file.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use hoop_domain::SessionId;
use hoop_store::recording::format;

use super::Spool;

/// What a session keeps in memory before it goes to the disk: most sessions never do, and
/// a thousand busy ones stay below 40 MB.
const IN_MEMORY: usize = 32 * 1024;

/// Records on their way into a segment. Dropping it removes its file.
#[derive(Debug)]
pub struct SpooledPiece {
    spool: Spool,
    session: SessionId,
    file: Option<Arc<Spooled>>,
    /// How much is in the file.
    filed: u64,
    memory: Vec<u8>,
}

#[derive(Debug)]
struct Spooled {
    file: File,
    path: PathBuf,
}

impl SpooledPiece {
    pub(super) const fn new(spool: Spool, session: SessionId) -> Self {
        Self { spool, session, file: None, filed: 0, memory: Vec::new() }
    }

    /// Appends a packet as a record. When the disk does not take it, it stays in memory: the
    /// disk is the smaller trouble, and the segment is cut soon.
    pub async fn append(&mut self, packet: &[u8]) {
        self.memory.extend_from_slice(&format::record_header(packet.len()));
        self.memory.extend_from_slice(packet);
        if self.memory.len() < IN_MEMORY {
            return;
        }
        if let Err(cause) = self.flush().await {
            tracing::error!(%cause, session = %self.session, "the spool's disk takes nothing");
        }
    }

    async fn flush(&mut self) -> io::Result<()> {
        let (spool, session, file) = (self.spool.clone(), self.session, self.file.take());
        let (memory, at) = (std::mem::take(&mut self.memory), self.filed);
        let task = tokio::task::spawn_blocking(move || {
            let file = match file.map_or_else(|| create(&spool, session).map(Arc::new), Ok) {
                Ok(file) => file,
                Err(error) => return (memory, None, Err(error)),
            };
            // What a failed write left behind is overwritten by the next one.
            let written = file.file.write_all_at(&memory, at);
            (memory, Some(file), written)
        });
        let (memory, file, written) = task.await.map_err(io::Error::other)?;
        (self.memory, self.file) = (memory, file);
        written?;
        self.filed += u64::try_from(self.memory.len()).map_err(io::Error::other)?;
        self.memory.clear();
        // Large packets would leave large empty buffers behind, one per session.
        self.memory.shrink_to(IN_MEMORY);
        Ok(())
    }

    /// Everything that was appended. Blocks on the disk when there is a file.
    ///
    /// # Errors
    /// When the disk does not give it back.
    pub fn read(&self) -> io::Result<Vec<u8>> {
        let Some(file) = &self.file else { return Ok(self.memory.clone()) };
        let filed = usize::try_from(self.filed).map_err(io::Error::other)?;
        let mut records = Vec::with_capacity(filed.saturating_add(self.memory.len()));
        records.resize(filed, 0);
        file.file.read_exact_at(&mut records, 0)?;
        records.extend_from_slice(&self.memory);
        Ok(records)
    }

    /// Whether [`Self::read`] needs the disk.
    #[must_use]
    pub const fn on_disk(&self) -> bool {
        self.file.is_some()
    }
}

fn create(spool: &Spool, session: SessionId) -> io::Result<Spooled> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let path = spool.path().join(format!("{session}.{number}"));
    let file = File::options().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
    Ok(Spooled { file, path })
}

impl Drop for Spooled {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}
