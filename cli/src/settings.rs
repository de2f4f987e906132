//! `~/.hoop/config.toml`: where the gateway is, and the token that opens it.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

/// What a login leaves behind.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Settings {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) api_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) grpc_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<String>,
    /// What another version wrote, or a slip of the pen; kept, and warned of.
    #[serde(flatten)]
    unknown: toml::Table,
}

/// Settings that can't be read or kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Nobody's.
    #[error("there is no home directory for ~/.hoop/config.toml; set HOME")]
    Homeless,
    /// The file is there and can't be read.
    #[error("{} can't be read", .path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    /// The file is not what it should be. Its text is not repeated: it has a token in it.
    #[error("{} is not valid TOML; correct it, or delete it and run `hoop login`", .path.display())]
    Malformed { path: PathBuf },
    /// The file can't be deleted.
    #[error("{} can't be deleted", .path.display())]
    Undeletable { path: PathBuf, source: io::Error },
    /// The file can't be written.
    #[error("{} can't be written", .path.display())]
    Unwritable { path: PathBuf, source: io::Error },
}

impl Settings {
    /// Where they are kept.
    pub(crate) fn path() -> Result<PathBuf, Error> {
        std::env::home_dir().map(|home| home.join(".hoop/config.toml")).ok_or(Error::Homeless)
    }

    /// What is kept at `path`; nothing when there is no such file.
    pub(crate) fn load(path: &Path) -> Result<Self, Error> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(Error::Unreadable { path: path.into(), source }),
        };
        toml::from_str(&text).map_err(|_| Error::Malformed { path: path.into() })
    }

    /// The same settings, told apart from those of another gateway: a token is for one.
    pub(crate) fn at(self, api_url: String, grpc_url: Option<String>) -> Self {
        let same = self.api_url.as_deref() == Some(api_url.as_str());
        let token = self.token.filter(|_| same);
        Self { api_url: Some(api_url), grpc_url, token, unknown: self.unknown }
    }

    /// What is questionable about the settings in the file at `path`, in sentences.
    pub(crate) fn warnings(&self, path: &Path) -> Vec<String> {
        let file = path.display();
        let mut warnings: Vec<String> = self
            .unknown
            .keys()
            .map(|key| crate::output::printable(key))
            .map(|key| {
                format!(
                    "{file} has {key:?}, which is no setting; known are api_url, grpc_url, token"
                )
            })
            .collect();
        let open = fs::metadata(path).is_ok_and(|file| file.mode() & 0o077 != 0);
        if open && self.token.is_some() {
            warnings.push(format!(
                "{file} has a token in it and others may read it; run `chmod 600 {file}`"
            ));
        }
        warnings
    }

    /// Forgets what is kept at `path`. Returns whether there was such a file.
    pub(crate) fn delete(path: &Path) -> Result<bool, Error> {
        match fs::remove_file(path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(Error::Undeletable { path: path.into(), source }),
        }
    }

    /// Keeps them at `path`, readable by the owner alone. What was there is replaced in one
    /// step, so that nobody reads half a file.
    pub(crate) fn store(&self, path: &Path) -> Result<(), Error> {
        let text = toml::to_string(self).map_err(|_| Error::Malformed { path: path.into() })?;
        write(path, text.as_bytes())
            .map_err(|source| Error::Unwritable { path: path.into(), source })
    }
}

fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let fresh = path.with_extension(format!("toml.{}", std::process::id()));
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&fresh, path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn settings() -> Settings {
        Settings {
            api_url: Some("http://127.0.0.1:8009".into()),
            grpc_url: None,
            token: Some("s3cret".into()),
            unknown: toml::Table::new(),
        }
    }

    #[test]
    fn what_was_stored_is_loaded_and_only_the_owner_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".hoop/config.toml");
        assert_eq!(Settings::load(&path).unwrap(), Settings::default());
        settings().store(&path).unwrap();
        settings().store(&path).unwrap();
        assert_eq!(Settings::load(&path).unwrap(), settings());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn unknown_keys_and_a_token_for_everybody_are_warned_of_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        fs::write(&path, "api_ulr = \"x\"\ntoken = \"s3cret\"\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let loaded = Settings::load(&path).unwrap();
        let warnings = loaded.warnings(&path).join("\n");
        assert!(warnings.contains("\"api_ulr\", which is no setting"), "{warnings}");
        assert!(warnings.contains("chmod 600"), "{warnings}");
        assert!(!warnings.contains("s3cret"), "{warnings}");
        loaded.store(&path).unwrap();
        assert!(fs::read_to_string(&path).unwrap().contains("api_ulr"));
        assert_eq!(loaded.warnings(&path).len(), 1);
    }

    #[test]
    fn a_token_is_for_one_gateway() {
        let other = settings().at("https://other".into(), None);
        assert_eq!(other.token, None);
        let same = settings().at("http://127.0.0.1:8009".into(), None);
        assert_eq!(same.token.as_deref(), Some("s3cret"));
    }

    #[test]
    fn a_broken_file_is_named_and_not_repeated() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        fs::write(&path, "token = s3cret").unwrap();
        let message = Settings::load(&path).unwrap_err().to_string();
        assert!(message.contains("config.toml is not valid TOML"), "{message}");
        assert!(!message.contains("s3cret"), "{message}");
    }
}
