//! Secrets that a command wants as files: private to the agent, and gone afterwards.
//!
//! Each agent process has one directory with a lock that it holds while it lives; the
//! system lets go of it however the process ends. So whatever directory has a lock that
//! can be had was left by a dead agent, and the next one to start removes it.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use hoop_domain::SessionId;

/// How the directories of agents are called.
const PREFIX: &str = "hoop-agent-";

const LOCK: &str = "lock";

/// The private files of one agent process.
#[derive(Debug)]
pub(crate) struct PrivateFiles {
    base: PathBuf,
    own: Mutex<Option<Arc<Own>>>,
}

/// The directory of this process, made when it is first needed.
#[derive(Debug)]
struct Own {
    path: PathBuf,
    _lock: File,
}

/// The files of one command; removed when this is dropped.
#[derive(Debug)]
pub(crate) struct PrivateDir {
    path: PathBuf,
    /// Outlives what is in it.
    _own: Arc<Own>,
}

impl PrivateFiles {
    pub(crate) const fn new(base: PathBuf) -> Self {
        Self { base, own: Mutex::new(None) }
    }

    /// Removes what agents left that did not come to remove it themselves.
    pub(crate) fn sweep(&self) {
        let Ok(entries) = fs::read_dir(&self.base) else { return };
        for entry in entries.flatten() {
            if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
                continue;
            }
            let path = entry.path();
            if left_behind(&path) && fs::remove_dir_all(&path).is_ok() {
                tracing::info!("removed private files that another agent left");
            }
        }
    }

    /// A new directory for one command, and the directory of the process around it.
    pub(crate) fn directory(&self) -> io::Result<(PrivateDir, PathBuf)> {
        let own = self.own()?;
        let path = own.path.join(SessionId::generate().to_string());
        make(&path)?;
        let root = own.path.clone();
        Ok((PrivateDir { path, _own: own }, root))
    }

    fn own(&self) -> io::Result<Arc<Own>> {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = &*own {
            return Ok(Arc::clone(own));
        }
        let made = Arc::new(Own::make(&self.base)?);
        *own = Some(Arc::clone(&made));
        Ok(made)
    }
}

impl Own {
    fn make(base: &Path) -> io::Result<Self> {
        let path = base.join(format!("{PREFIX}{}", SessionId::generate()));
        make(&path)?;
        // Locked before it has its name: a sweep must not see one that can be had.
        let unnamed = path.join("lock.new");
        let lock = create(&unnamed)?;
        lock.lock()?;
        fs::rename(unnamed, path.join(LOCK))?;
        Ok(Self { path, _lock: lock })
    }
}

impl PrivateDir {
    /// Writes a file that only this user can read. `name` has no `/` in it.
    pub(crate) fn write(&self, name: &str, content: &[u8]) -> io::Result<PathBuf> {
        let path = self.path.join(name);
        create(&path)?.write_all(content)?;
        Ok(path)
    }
}

impl Drop for PrivateDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn make(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Whether this is a directory of ours whose agent is dead.
fn left_behind(path: &Path) -> bool {
    let ours = fs::symlink_metadata(path).is_ok_and(|metadata| {
        metadata.is_dir() && metadata.uid() == rustix::process::geteuid().as_raw()
    });
    ours && File::open(path.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_private_and_gone_afterwards() {
        let base = tempfile::tempdir().unwrap();
        let files = PrivateFiles::new(base.path().into());
        let (directory, root) = files.directory().unwrap();
        let path = directory.write("CERT", b"pem").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"pem");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        for directory in [path.parent().unwrap(), root.as_path()] {
            assert_eq!(fs::metadata(directory).unwrap().mode() & 0o777, 0o700);
        }
        drop(directory);
        assert!(!path.exists() && root.exists());
        drop(files);
        assert!(!root.exists());
    }

    #[test]
    fn what_a_dead_agent_left_is_removed_and_what_a_live_one_has_is_not() {
        let base = tempfile::tempdir().unwrap();
        let dead = base.path().join("hoop-agent-dead");
        make(&dead).unwrap();
        create(&dead.join(LOCK)).unwrap();
        create(&dead.join("CERT")).unwrap();
        let begun = base.path().join("hoop-agent-begun");
        make(&begun).unwrap();
        let live = PrivateFiles::new(base.path().into());
        let (directory, _) = live.directory().unwrap();
        let path = directory.write("CERT", b"pem").unwrap();
        let foreign = base.path().join("someone-else");
        make(&foreign).unwrap();

        PrivateFiles::new(base.path().into()).sweep();
        assert!(!dead.exists());
        assert!(path.exists() && foreign.exists() && begun.exists());
    }
}
