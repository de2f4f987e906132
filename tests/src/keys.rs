//! The secrets of one gateway: made up, and kept when its state is kept.

use std::{fs, io::Read, os::unix::fs::OpenOptionsExt, path::Path};

use anyhow::{Context, Result};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};

/// What only the operator of a gateway knows.
#[derive(Debug, Clone)]
pub struct Keys {
    /// `SECRETS_KEY`.
    pub secrets: String,
    /// `AUDIT_SIGNING_KEY`.
    pub signing: String,
    /// `ADMIN_PASSWORD`.
    pub admin_password: String,
}

impl Keys {
    /// The keys in `folder`, made up and written down when there are none.
    ///
    /// # Errors
    /// When the file can't be read or written.
    pub fn in_folder(folder: &Path) -> Result<Self> {
        let path = folder.join("keys.json");
        if let Ok(text) = fs::read_to_string(&path) {
            return Self::read(&text).with_context(|| format!("read {}", path.display()));
        }
        let keys = Self {
            secrets: STANDARD.encode(random::<32>()?),
            signing: STANDARD.encode(random::<32>()?),
            admin_password: URL_SAFE_NO_PAD.encode(random::<12>()?),
        };
        fs::create_dir_all(folder)?;
        let file = fs::File::options().write(true).create_new(true).mode(0o600).open(&path)?;
        serde_json::to_writer_pretty(file, &keys.json())?;
        Ok(keys)
    }

    fn json(&self) -> Value {
        json!({
            "secrets": self.secrets,
            "signing": self.signing,
            "admin_password": self.admin_password,
        })
    }

    fn read(text: &str) -> Result<Self> {
        let json: Value = serde_json::from_str(text)?;
        let field = |name: &str| {
            json.get(name).and_then(Value::as_str).map(str::to_owned).context(format!("no {name}"))
        };
        Ok(Self {
            secrets: field("secrets")?,
            signing: field("signing")?,
            admin_password: field("admin_password")?,
        })
    }
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_once_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let made = Keys::in_folder(folder.path()).unwrap();
        let kept = Keys::in_folder(folder.path()).unwrap();
        assert_eq!(made.secrets, kept.secrets);
        assert_eq!(made.admin_password, kept.admin_password);
    }
}
