//! The folder that the journals of a process are in, and those that the dead left.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use hoop_store::recording::{WriterId, format::Records};

use super::{LOCK, private_folder};
use crate::Error;

const PREFIX: &str = "journal-";

/// Where this process keeps journals. It stays when they are not empty.
#[derive(Debug)]
pub struct JournalFolder {
    path: PathBuf,
    folder: File,
    _lock: File,
}

impl JournalFolder {
    /// Makes one under `root`.
    ///
    /// # Errors
    /// When the disk does not let us.
    pub fn open(root: &Path, writer: WriterId) -> Result<Self, Error> {
        let path = root.join(format!("{PREFIX}{writer}"));
        let make = || {
            private_folder(&path)?;
            let lock = File::create(path.join(LOCK))?;
            lock.try_lock()?;
            let folder = File::open(&path)?;
            File::open(root)?.sync_all()?;
            io::Result::Ok(Self { path: path.clone(), folder, _lock: lock })
        };
        make().map_err(|source| Error::Spool { path: path.display().to_string(), source })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the names in it sure.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.folder.sync_all()
    }
}

impl Drop for JournalFolder {
    fn drop(&mut self) {
        // Journals stay for the next start.
        if fs::read_dir(&self.path).is_ok_and(|files| files.count() == 1) {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// What a dead writer of this disk left. Its lock is ours now.
#[derive(Debug)]
pub(crate) struct LeftJournals {
    path: PathBuf,
    _lock: File,
}

impl LeftJournals {
    /// All that nobody holds.
    pub(crate) fn find(root: &Path) -> io::Result<Vec<Self>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(root)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            if !name.is_some_and(|name| name.starts_with(PREFIX)) {
                continue;
            }
            let Ok(lock) = File::open(path.join(LOCK)) else { continue };
            if lock.try_lock().is_ok() {
                found.push(Self { path, _lock: lock });
            }
        }
        Ok(found)
    }

    /// The packets, as far as they were written whole: of each file in its order.
    pub(crate) fn packets(&self) -> io::Result<Vec<Bytes>> {
        let mut packets = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let path = entry?.path();
            if path.file_name().is_some_and(|name| name != LOCK) {
                packets.extend(Records::new(fs::read(path)?.into()));
            }
        }
        Ok(packets)
    }

    /// There is nothing in them any more that is not elsewhere.
    pub(crate) fn remove(self) -> io::Result<()> {
        fs::remove_dir_all(&self.path)
    }
}
