//! What the agent gives to the commands that it runs: an environment, a working folder,
//! private files, and a guard that outlives it.
//!
//! A standard agent gives a small clean environment, because its own may hold what is
//! nobody's business. An embedded agent is part of an application, and gives all of it.

use std::{
    env,
    ffi::{OsStr, OsString},
    path::PathBuf,
};

use crate::{guard::Guard, key::Mode, private_files::PrivateFiles};

/// What a command gets from a standard agent, and the values where it has none itself.
const CLEAN: [(&str, Option<&str>); 4] = [
    ("PATH", Some("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")),
    ("LANG", Some("C.UTF-8")),
    ("HOME", Some("/")),
    ("USER", None),
];

/// The agent's own keys, which no command may see.
const KEYS: [&str; 5] =
    ["AGENT_SENTRY_DSN", "HOOP_KEY", "PYROSCOPE_AUTH_TOKEN", "VAULT_APP_SECRET_ID", "VAULT_TOKEN"];

/// What is the same for all commands.
pub(crate) struct Surroundings {
    environment: Vec<(OsString, OsString)>,
    folder: Option<PathBuf>,
    pub(crate) private_files: PrivateFiles,
    pub(crate) guard: Guard,
}

impl Surroundings {
    /// Takes what the process has. `private` is where private files go, `guard` the program
    /// that ends what the agent leaves behind.
    pub(crate) fn new(mode: Mode, private: Option<PathBuf>, guard: Option<PathBuf>) -> Self {
        let own = || env::vars_os().filter(|(name, _)| KEYS.iter().all(|key| name != key));
        let private = private.unwrap_or_else(memory);
        let (environment, folder) = match mode {
            Mode::Embedded => (own().collect(), None),
            Mode::Standard => {
                let environment = clean(&own().collect::<Vec<_>>());
                let home = value(&environment, "HOME").map(PathBuf::from);
                let folder = home.filter(|home| home.is_dir()).unwrap_or_else(|| "/".into());
                (environment, Some(folder))
            }
        };
        let (private_files, guard) = (PrivateFiles::new(private), Guard::new(guard));
        Self { environment, folder, private_files, guard }
    }

    /// The variables that a command begins with.
    pub(crate) fn environment(&self) -> &[(OsString, OsString)] {
        &self.environment
    }

    /// Where a command runs; `None` where the agent itself does.
    pub(crate) fn folder(&self) -> Option<&PathBuf> {
        self.folder.as_ref()
    }
}

fn value<'a>(environment: &'a [(OsString, OsString)], name: &str) -> Option<&'a OsStr> {
    environment.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_os_str())
}

fn clean(own: &[(OsString, OsString)]) -> Vec<(OsString, OsString)> {
    let given = CLEAN.into_iter().filter_map(|(name, default)| {
        let value = value(own, name).filter(|value| !value.is_empty());
        Some((name.into(), value.or(default.map(OsStr::new))?.to_owned()))
    });
    given.collect()
}

/// The best place for secrets in files: memory, when the system has some for files.
fn memory() -> PathBuf {
    let own: Vec<_> = env::vars_os().collect();
    let runtime = value(&own, "XDG_RUNTIME_DIR").map(PathBuf::from);
    let known = runtime.into_iter().chain([PathBuf::from("/dev/shm")]);
    let mut known = known.filter(|path| path.is_absolute() && path.is_dir());
    known.next().unwrap_or_else(env::temp_dir)
}

impl std::fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Surroundings").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clean_environment_has_a_few_names_with_sensible_values() {
        let own = [("PATH", "/opt/bin"), ("TOKEN", "s3cret"), ("LANG", "")];
        let clean = clean(&own.map(|(name, value)| (name.into(), value.into())));
        assert_eq!(value(&clean, "PATH"), Some(OsStr::new("/opt/bin")));
        assert_eq!(value(&clean, "LANG"), Some(OsStr::new("C.UTF-8")));
        assert_eq!(value(&clean, "TOKEN"), None);
        assert_eq!(value(&clean, "USER"), None);
    }
}
