//! The spool: where packets wait for their segment to be full.
//!
//! It is there to bound memory, not to keep anything: the stream still holds whatever is
//! in it. Each process has a folder of its own under the spool's root and keeps a lock in
//! it; folders whose lock is free belong to nobody and are removed at the start.

mod journals;
mod piece;

use std::{
    fs::{self, File},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use hoop_domain::SessionId;
use hoop_store::recording::WriterId;

use crate::Error;

pub use journals::JournalFolder;
pub(crate) use journals::LeftJournals;
pub use piece::SpooledPiece;

const LOCK: &str = "lock";

/// The spool of this process. Dropping the last clone removes it.
#[derive(Debug, Clone)]
pub struct Spool(Arc<Folder>);

#[derive(Debug)]
struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Spool {
    /// Makes a spool under `root` and removes those that others left behind.
    ///
    /// # Errors
    /// When the disk does not let us.
    pub fn open(root: &Path, writer: WriterId) -> Result<Self, Error> {
        let wrong = |source| Error::Spool { path: root.display().to_string(), source };
        private_folder(root).map_err(wrong)?;
        remove_leftovers(root).map_err(wrong)?;
        let path = root.join(format!("writer-{writer}"));
        let folder = || {
            private_folder(&path)?;
            let lock = File::create(path.join(LOCK))?;
            lock.try_lock()?;
            io::Result::Ok(Folder { path: path.clone(), _lock: lock })
        };
        Ok(Self(Arc::new(folder().map_err(wrong)?)))
    }

    /// A place for the packets of `session` up to the next segment.
    #[must_use]
    pub fn piece(&self, session: SessionId) -> SpooledPiece {
        SpooledPiece::new(self.clone(), session)
    }

    fn path(&self) -> &Path {
        &self.0.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What stays behind is removed at the next start.
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn private_folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn remove_leftovers(root: &Path) -> io::Result<()> {
    for entry in fs::read_dir(root)? {
        let path = entry?.path();
        let ours = path.file_name().and_then(|name| name.to_str());
        if !ours.is_some_and(|name| name.starts_with("writer-")) {
            continue;
        }
        // A folder without a lock was being made when its process died, or is being made
        // right now; the latter holds for microseconds and is left to the next start.
        let Ok(lock) = File::open(path.join(LOCK)) else { continue };
        if lock.try_lock().is_ok() {
            tracing::info!(spool = %path.display(), "removing what an earlier writer left");
            fs::remove_dir_all(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
