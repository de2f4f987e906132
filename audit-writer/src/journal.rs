//! The journal of a partition's `synced` sessions: their packets on the disk for good, before
//! the edge lets them out.
//!
//! ```text
//! packets ──▶ pending ──one write, one fdatasync──▶ on disk ──▶ relay.<session>.synced
//!                ▲                    │
//!                └── what comes meanwhile gathers here
//! ```
//!
//! A file is removed when all that is in it is in the final store. What a dead writer left is
//! read at the next start, and what the stream has lost since is [published again](crate::recovery).

use std::{
    collections::HashMap,
    fs::{self, File},
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use hoop_domain::{Both, SessionId};
use hoop_store::recording::format::record_header;
use tokio::task::{JoinError, JoinHandle};

use crate::spool::JournalFolder;

/// From here on the next packets go into a new file, so that the old one can be removed.
const LARGE: u64 = 16 * 1024 * 1024;

/// How long the disk is left alone after it took nothing.
const REST: Duration = Duration::from_millis(500);

/// The last packet of each direction, by session.
type Heads = HashMap<SessionId, Both<u64>>;

/// The journal of one worker. At most one sync is under way.
#[derive(Debug)]
pub(crate) struct Journal {
    folder: Arc<JournalFolder>,
    name: String,
    /// Not handed to the disk yet.
    pending: Vec<u8>,
    /// Whose sync is to be told, with the newest packets then.
    waiting: Heads,
    syncing: Option<JoinHandle<(Written, io::Result<()>)>>,
    current: Option<JournalFile>,
    /// Files that nothing is added to any more.
    old: Vec<JournalFile>,
    number: u64,
}

#[derive(Debug)]
struct JournalFile {
    file: Arc<File>,
    path: PathBuf,
    /// How much of it is sure.
    length: u64,
    heads: Heads,
}

/// What one sync is about.
#[derive(Debug)]
struct Written {
    bytes: Vec<u8>,
    heads: Heads,
}

impl Journal {
    pub(crate) fn new(folder: Arc<JournalFolder>, name: String) -> Self {
        Self {
            folder,
            name,
            pending: Vec::new(),
            waiting: Heads::new(),
            syncing: None,
            current: None,
            old: Vec::new(),
            number: 0,
        }
    }

    /// Adds a packet.
    pub(crate) fn append(&mut self, encoded: &Bytes) {
        self.pending.extend_from_slice(&record_header(encoded.len()));
        self.pending.extend_from_slice(encoded);
    }

    /// The session's packets up to `seqs` are here or stored: to be told when that is sure.
    pub(crate) fn tell(&mut self, session: SessionId, seqs: Both<u64>) {
        self.waiting.insert(session, seqs);
    }

    /// Whether a sync is under way.
    pub(crate) const fn is_syncing(&self) -> bool {
        self.syncing.is_some()
    }

    /// Hands what is pending to the disk, unless a sync is under way.
    pub(crate) fn start(&mut self) {
        if self.syncing.is_some() || self.waiting.is_empty() {
            return;
        }
        let written = Written {
            bytes: std::mem::take(&mut self.pending),
            heads: std::mem::take(&mut self.waiting),
        };
        let opened = if written.bytes.is_empty() { Ok(None) } else { self.file().map(Some) };
        self.syncing = Some(tokio::task::spawn_blocking(move || {
            let done = opened.and_then(|target| match target {
                None => Ok(()),
                Some((file, at)) => {
                    file.write_all_at(&written.bytes, at).and_then(|()| file.sync_data())
                }
            });
            if done.is_err() {
                std::thread::sleep(REST);
            }
            (written, done)
        }));
    }

    /// Waits for the sync that is under way. Returns whom to tell what. Cancel safe.
    pub(crate) async fn synced(&mut self) -> Result<Vec<(SessionId, Both<u64>)>, JoinError> {
        let Some(syncing) = &mut self.syncing else { return std::future::pending().await };
        let (written, done) = syncing.await?;
        self.syncing = None;
        match done {
            Ok(()) => {
                if let Some(current) = self.current.as_mut().filter(|_| !written.bytes.is_empty()) {
                    current.length += u64::try_from(written.bytes.len()).unwrap_or(u64::MAX);
                    current.heads.extend(written.heads.iter().map(|(id, seqs)| (*id, *seqs)));
                }
                Ok(written.heads.into_iter().collect())
            }
            Err(cause) => {
                // Nobody is told, so these sessions stall; it is tried again with what came.
                tracing::error!(%cause, "the journal's disk takes nothing; synced sessions wait");
                let mut pending = written.bytes;
                pending.append(&mut self.pending);
                self.pending = pending;
                for (id, seqs) in written.heads {
                    self.waiting.entry(id).or_insert(seqs);
                }
                Ok(Vec::new())
            }
        }
    }

    /// Removes the files that hold nothing but what is stored; `stored` says up to where, and
    /// nothing of a session that is finished. Whatever else happens to this journal, its files
    /// stay for the next start.
    pub(crate) fn forget(&mut self, stored: impl Fn(SessionId) -> Option<Both<u64>>) {
        let is_stored = |file: &JournalFile| {
            file.heads.iter().all(|(id, seqs)| {
                stored(*id).is_none_or(|stored| {
                    seqs.inward <= stored.inward && seqs.outward <= stored.outward
                })
            })
        };
        // The newest file may be in use by a sync.
        let idle = self.syncing.is_none() && self.pending.is_empty();
        let newest = self.current.take_if(|file| idle && file.length != 0 && is_stored(file));
        let (done, old) = self.old.drain(..).partition(is_stored);
        self.old = old;
        for file in newest.into_iter().chain::<Vec<JournalFile>>(done) {
            let _ = fs::remove_file(&file.path);
        }
    }

    fn file(&mut self) -> io::Result<(Arc<File>, u64)> {
        if let Some(full) = self.current.take_if(|file| LARGE <= file.length) {
            self.old.push(full);
        }
        let current = match &mut self.current {
            Some(current) => current,
            none => {
                self.number += 1;
                let path = self.folder.path().join(format!("{}.{}", self.name, self.number));
                let mut options = File::options();
                let file =
                    options.read(true).write(true).create_new(true).mode(0o600).open(&path)?;
                // The name has to survive, too.
                self.folder.sync()?;
                none.insert(JournalFile {
                    file: Arc::new(file),
                    path,
                    length: 0,
                    heads: Heads::new(),
                })
            }
        };
        Ok((current.file.clone(), current.length))
    }
}
