//! Secrets that are made on the first run and kept in files of mode 0600.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use hoop_domain::Secret;
use hoop_runtime::{Env, config};

use crate::{Error, data::Data};

/// What only this gateway knows.
#[derive(Debug)]
pub(crate) struct Kept {
    /// `SECRETS_KEY`.
    pub(crate) secrets_key: Secret<String>,
    /// `AUDIT_SIGNING_KEY`.
    pub(crate) signing_key: Secret<String>,
    /// `ADMIN_PASSWORD`.
    pub(crate) admin_password: Secret<String>,
    /// Of the private PostgreSQL's role.
    pub(crate) postgres: Secret<String>,
    /// Of the private NATS's user.
    pub(crate) nats: Secret<String>,
}

impl Kept {
    /// Those of the environment; else those of the data directory, made when it is new.
    pub(crate) fn load(data: &Data, env: &Env) -> Result<Self, Error> {
        let key = || Ok(STANDARD.encode(random::<32>()?));
        // Letters that need no quoting in a URI, in SQL or in a shell.
        let password = || Ok(hex(&random::<24>()?));
        let shown = || Ok(URL_SAFE_NO_PAD.encode(random::<18>()?));
        let of = |variable: &str, name: &str, make: &dyn Fn() -> Result<String, Error>| match env
            .text(variable)
        {
            Some(given) => Ok(Secret::new(given)),
            None => keep(data, name, make),
        };
        let secrets_key = match env.secret("SECRETS_KEY")? {
            Some(given) => Secret::new(given),
            None => keep(data, "secrets-key", &|| match env.text("SECRETS_KMS") {
                None => key(),
                // What is made here is wrapped by nobody.
                Some(_) => Err(config::Error::Missing {
                    name: "SECRETS_KEY".into(),
                    meaning: "SECRETS_KMS is set, so it has to be one that was wrapped there",
                }
                .into()),
            })?,
        };
        Ok(Self {
            secrets_key,
            signing_key: of("AUDIT_SIGNING_KEY", "audit-signing-key", &key)?,
            admin_password: of("ADMIN_PASSWORD", "admin-password", &shown)?,
            postgres: keep(data, "postgres-password", &password)?,
            nats: keep(data, "nats-password", &password)?,
        })
    }
}

fn keep(
    data: &Data,
    name: &str,
    make: &dyn Fn() -> Result<String, Error>,
) -> Result<Secret<String>, Error> {
    let path = data.join("secrets").join(name);
    let found = match fs::read_to_string(&path) {
        Ok(text) => text.trim().to_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(source) => return Err(Error::File { path, source }),
    };
    if !found.is_empty() {
        return Ok(Secret::new(found));
    }
    if data.welcomed() {
        return Err(Error::SecretLost { path });
    }
    let made = make()?;
    write(&path, &made)?;
    Ok(Secret::new(made))
}

/// Writes a file that its owner alone reads: all of it, or none.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Error> {
    let fresh = path.with_extension("fresh");
    let write = || {
        let mut file =
            File::options().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        writeln!(file, "{text}")?;
        file.sync_all()?;
        fs::rename(&fresh, path)
    };
    write().map_err(|source| Error::File { path: path.into(), source })
}

/// `N` random bytes.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Error::Randomness)?;
    Ok(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn data() -> (tempfile::TempDir, Data) {
        let folder = tempfile::tempdir().unwrap();
        let data = Data::open(folder.path().join("data")).unwrap();
        (folder, data)
    }

    #[test]
    fn secrets_are_made_once_and_only_the_owner_reads_them() {
        let (_folder, data) = data();
        let env = Env::default();
        let first = Kept::load(&data, &env).unwrap();
        let again = Kept::load(&data, &env).unwrap();
        assert_eq!(first.secrets_key.reveal(), again.secrets_key.reveal());
        assert_eq!(first.admin_password.reveal(), again.admin_password.reveal());
        assert_ne!(first.postgres.reveal(), first.nats.reveal());
        for entry in fs::read_dir(data.join("secrets")).unwrap() {
            let mode = entry.unwrap().metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn what_the_environment_says_is_not_kept() {
        let (_folder, data) = data();
        let env = Env::from_pairs([("SECRETS_KEY", "given")]).unwrap();
        assert_eq!(Kept::load(&data, &env).unwrap().secrets_key.reveal(), "given");
        assert!(!data.join("secrets/secrets-key").exists());
    }

    #[test]
    fn a_lost_secret_is_not_quietly_made_again() {
        let (_folder, data) = data();
        Kept::load(&data, &Env::default()).unwrap();
        data.welcome().unwrap();
        fs::remove_file(data.join("secrets/secrets-key")).unwrap();
        let message = Kept::load(&data, &Env::default()).unwrap_err().to_string();
        assert!(message.contains("secrets-key is missing"), "{message}");
    }
}
