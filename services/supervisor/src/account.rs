//! The account that PostgreSQL runs as when we are root, as whom it refuses to run.

use std::{
    fs,
    os::unix::fs::{MetadataExt, chown},
    path::Path,
};

use crate::Error;

/// Somebody who is not root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) user: u32,
    pub(crate) group: u32,
}

impl Account {
    /// The account to change to: none unless we are root.
    pub(crate) fn needed() -> Result<Option<Self>, Error> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let accounts = fs::read_to_string("/etc/passwd").unwrap_or_default();
        Self::find(&accounts, "postgres").map(Some).ok_or(Error::NoAccount)
    }

    fn find(accounts: &str, name: &str) -> Option<Self> {
        let line = accounts.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut ids = line.split(':').skip(2);
        let account = Self { user: ids.next()?.parse().ok()?, group: ids.next()?.parse().ok()? };
        (account.user != 0).then_some(account)
    }

    /// Makes `path` this account's.
    pub(crate) fn give(self, path: &Path) -> Result<(), Error> {
        chown(path, Some(self.user), Some(self.group))
            .map_err(|source| Error::File { path: path.into(), source })
    }

    /// Fails when a folder on the way to `path` is closed to this account.
    pub(crate) fn may_enter(self, path: &Path) -> Result<(), Error> {
        for folder in path.ancestors().skip(1).filter(|folder| folder.is_absolute()) {
            let about = fs::metadata(folder)
                .map_err(|source| Error::File { path: folder.into(), source })?;
            let bit = if about.uid() == self.user {
                0o100
            } else if about.gid() == self.group {
                0o010
            } else {
                0o001
            };
            if about.mode() & bit == 0 {
                return Err(Error::Impassable { path: folder.into() });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn an_account_is_found_by_its_whole_name_and_is_never_root() {
        let accounts =
            "root:x:0:0::/root:/bin/sh\npostgres2:x:7:8::/:\npostgres:x:101:104:a,b:/:\n";
        assert_eq!(Account::find(accounts, "postgres"), Some(Account { user: 101, group: 104 }));
        assert_eq!(Account::find(accounts, "nobody"), None);
        assert_eq!(Account::find(accounts, "root"), None);
    }

    #[test]
    fn a_folder_that_is_closed_on_the_way_is_named() {
        let outer = tempfile::tempdir().unwrap();
        let inner = outer.path().join("a/b");
        fs::create_dir_all(&inner).unwrap();
        let stranger = Account { user: 54321, group: 54321 };
        fs::set_permissions(outer.path(), fs::Permissions::from_mode(0o755)).unwrap();
        stranger.may_enter(&inner).unwrap();
        fs::set_permissions(outer.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let message = stranger.may_enter(&inner).unwrap_err().to_string();
        assert!(message.contains(&format!("can't enter {};", outer.path().display())), "{message}");
    }
}
