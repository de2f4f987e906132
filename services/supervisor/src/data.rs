//! The data directory: where everything is, and who owns it now.

use std::{
    env,
    fs::{self, File, TryLockError},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use hoop_runtime::Env;

use crate::Error;

/// Where a gateway that root starts keeps its data: root's home is closed to PostgreSQL.
const OF_ROOT: &str = "/var/lib/hoop";

/// A data directory that is ours until this is dropped.
#[derive(Debug)]
pub(crate) struct Data {
    path: PathBuf,
    _lock: File,
}

/// The directory to use: what was asked for, or the usual place.
pub(crate) fn path(asked: Option<&Path>, env: &Env) -> Result<PathBuf, Error> {
    let path = match (asked, env.text("HOOP_DATA")) {
        (Some(path), _) => path.to_owned(),
        (None, Some(path)) => path.into(),
        (None, None) => usual()?,
    };
    std::path::absolute(&path).map_err(|source| Error::Folder { path, source })
}

fn usual() -> Result<PathBuf, Error> {
    if rustix::process::geteuid().is_root() {
        return Ok(OF_ROOT.into());
    }
    if let Some(folder) = env::var_os("XDG_DATA_HOME").filter(|folder| !folder.is_empty()) {
        return Ok(PathBuf::from(folder).join("hoop/gateway"));
    }
    env::home_dir().map(|home| home.join(".hoop/gateway")).ok_or(Error::Homeless)
}

impl Data {
    /// Makes the directory if need be, and takes it.
    pub(crate) fn open(path: PathBuf) -> Result<Self, Error> {
        let lock =
            Self::make(&path).map_err(|source| Error::Folder { path: path.clone(), source })?;
        Self::take(path, lock)
    }

    fn make(path: &Path) -> io::Result<File> {
        for folder in ["", "logs", "nats", "run", "secrets", "spool"] {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(path.join(folder))?;
        }
        // Whose directory can't be written fails here, before anything is begun.
        let probe = path.join("run/probe");
        File::create(&probe)?;
        fs::remove_file(&probe)?;
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        options.open(path.join("lock"))
    }

    /// The kernel gives the lock back when this process is gone, however it went.
    fn take(path: PathBuf, mut lock: File) -> Result<Self, Error> {
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut by = String::new();
                let _unread = lock.read_to_string(&mut by);
                return Err(Error::Running { path, by: by.trim().to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(Error::Folder { path, source }),
        }
        let written = lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id()));
        written.map_err(|source| Error::Folder { path: path.clone(), source })?;
        Ok(Self { path, _lock: lock })
    }

    /// Something in it.
    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The directory itself.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Lets others pass through it, to what is theirs. Everything else in it stays closed.
    pub(crate) fn let_through(&self) -> Result<(), Error> {
        fs::set_permissions(&self.path, fs::Permissions::from_mode(0o711))
            .map_err(|source| Error::File { path: self.path.clone(), source })
    }

    /// Whether the first run is over: somebody was told how to sign in.
    pub(crate) fn welcomed(&self) -> bool {
        self.join("welcomed").exists()
    }

    /// Remembers that somebody was told.
    pub(crate) fn welcome(&self) -> Result<(), Error> {
        let path = self.join("welcomed");
        File::create(&path).map(drop).map_err(|source| Error::File { path, source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_gateway_at_a_time_has_a_directory() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        let data = Data::open(path.clone()).unwrap();
        let message = Data::open(path.clone()).unwrap_err().to_string();
        assert!(message.contains(&format!("process {}", std::process::id())), "{message}");
        assert!(message.contains("--data"), "{message}");
        drop(data);
        Data::open(path).unwrap();
    }

    #[test]
    fn what_is_no_directory_is_named_with_what_to_do() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().join("data");
        let message = Data::open(path.clone()).unwrap_err().to_string();
        assert!(message.contains(&path.display().to_string()), "{message}");
        assert!(message.contains("--data"), "{message}");
    }

    #[test]
    fn strangers_may_not_look_into_it() {
        let folder = tempfile::tempdir().unwrap();
        let data = Data::open(folder.path().join("data")).unwrap();
        let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(data.join("")), 0o700);
        data.let_through().unwrap();
        assert_eq!(mode(data.join("")), 0o711);
        assert_eq!(mode(data.join("secrets")), 0o700);
    }
}
