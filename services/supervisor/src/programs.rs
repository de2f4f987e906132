//! Where the programs are that a gateway consists of.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use hoop_runtime::Env;

use crate::Error;

/// Where packages put PostgreSQL's server programs: `VERSION/bin` in one of these.
const POSTGRES_ROOTS: &[&str] = &["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"];

/// One of ours: beside `this` program, else on `PATH`.
///
/// # Errors
/// When it is in neither place.
pub fn ours(this: &Path, name: &str) -> Result<PathBuf, Error> {
    let beside = this.parent().map(|folder| folder.join(name));
    beside.into_iter().chain(on_path(name)).find(|path| path.is_file()).ok_or_else(|| {
        Error::Missing {
            program: name.to_owned(),
            looked: "beside this program or in PATH",
            how: "install all programs of hoop into one folder",
        }
    })
}

/// `nats-server`: beside `this` program, on `PATH`, or among the tools of a checkout.
pub(crate) fn nats(this: &Path, env: &Env) -> Result<PathBuf, Error> {
    let name = "nats-server";
    let beside = this.parent().map(|folder| folder.join(name));
    let tools = tools(env).map(|folder| folder.join("bin").join(name));
    let mut candidates = beside.into_iter().chain(on_path(name)).chain(tools);
    candidates.find(|path| path.is_file()).ok_or_else(|| Error::Missing {
        program: name.to_owned(),
        looked: "beside this program or in PATH",
        how: "install NATS 2.11 or newer, or set NATS_URL to a broker that runs",
    })
}

fn tools(env: &Env) -> Option<PathBuf> {
    if let Some(folder) = env.text("HOOP_TOOLS") {
        return Some(folder.into());
    }
    let cache = env.text("HOOP_CACHE").map(PathBuf::from).or_else(|| {
        let base = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        Some(base.or_else(|| Some(env::home_dir()?.join(".cache")))?.join("hoop"))
    })?;
    Some(cache.join("tools"))
}

/// The folder of PostgreSQL's server programs: `HOOP_POSTGRES_BIN`, on `PATH`, or where
/// packages put it; the one of `version` if it is there, since only that reads existing
/// data, else the newest.
pub(crate) fn postgres(env: &Env, version: Option<u32>) -> Result<PathBuf, Error> {
    let missing = |looked| Error::Missing {
        program: "PostgreSQL's server (initdb)".to_owned(),
        looked,
        how: "install PostgreSQL, say where it is with HOOP_POSTGRES_BIN, or set \
              POSTGRES_DB_URI to a server that runs",
    };
    if let Some(folder) = env.text("HOOP_POSTGRES_BIN").map(PathBuf::from) {
        let there = folder.join("initdb").is_file();
        return if there { Ok(folder) } else { Err(missing("in HOOP_POSTGRES_BIN")) };
    }
    let installed = installed();
    if let Some((_, folder)) = installed.iter().find(|(found, _)| Some(*found) == version) {
        return Ok(folder.clone());
    }
    // A link on PATH leads to the folder with the other programs.
    let on_path = on_path("initdb").find(|path| path.is_file());
    let linked = on_path.and_then(|path| Some(path.canonicalize().ok()?.parent()?.to_owned()));
    let newest = installed.into_iter().max().map(|(_, folder)| folder);
    linked.or(newest).ok_or_else(|| missing("in PATH or where packages put it"))
}

fn installed() -> Vec<(u32, PathBuf)> {
    let folders = POSTGRES_ROOTS.iter().filter_map(|root| fs::read_dir(root).ok()).flatten();
    let versions = folders.flatten().filter_map(|entry| {
        let name = entry.file_name();
        let name = name.to_str()?;
        let version = name.strip_prefix("postgresql@").unwrap_or(name).parse().ok()?;
        Some((version, entry.path().join("bin")))
    });
    versions.filter(|(_, bin)| bin.join("initdb").is_file()).collect()
}

fn on_path(name: &str) -> impl Iterator<Item = PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = env::split_paths(&path).map(|folder| folder.join(name)).collect();
    folders.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_beside_this_one_come_first() {
        let folder = tempfile::tempdir().unwrap();
        let this = folder.path().join("hoop");
        fs::write(folder.path().join("sh"), "").unwrap();
        assert_eq!(ours(&this, "sh").unwrap(), folder.path().join("sh"));
        assert!(ours(&this, "env").unwrap().ends_with("env"));
        let message = ours(&this, "hoop-nothing").unwrap_err().to_string();
        assert!(message.starts_with("hoop-nothing was not found"), "{message}");
    }

    #[test]
    fn a_wrong_folder_for_postgresql_is_not_replaced_by_another() {
        let env = Env::from_pairs([("HOOP_POSTGRES_BIN", "/nowhere")]).unwrap();
        let message = postgres(&env, None).unwrap_err().to_string();
        assert!(message.contains("HOOP_POSTGRES_BIN"), "{message}");
    }
}
