//! Where the programs are that tests run: `cargo xtask install` puts there what is missing.

use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

/// The folder of tools that `cargo xtask install` fills: `HOOP_TOOLS`, or `tools` in the cache.
#[must_use]
pub fn folder() -> Option<PathBuf> {
    if let Some(folder) = env::var_os("HOOP_TOOLS") {
        return Some(folder.into());
    }
    let cache = env::var_os("HOOP_CACHE").map(PathBuf::from).or_else(|| {
        let base = env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cache")))?;
        Some(base.join("hoop"))
    })?;
    Some(cache.join("tools"))
}

/// The program `name`: from our own folder first, since a distribution's may be too old.
///
/// # Errors
/// When it is in neither place.
pub fn program(name: &str) -> Result<PathBuf> {
    let ours = folder().map(|folder| folder.join("bin").join(name));
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path = env::split_paths(&path).map(|folder| folder.join(name));
    ours.into_iter()
        .chain(on_path)
        .find(|candidate| candidate.is_file())
        .with_context(|| format!("{name} is not installed; run `cargo xtask install`"))
}

/// The folder of PostgreSQL's server programs: on `PATH`, or where Debian puts them, newest first.
///
/// # Errors
/// When there is no `initdb`.
pub fn postgres_programs() -> Result<PathBuf> {
    if let Ok(initdb) = program("initdb")
        && let Some(folder) = initdb.canonicalize().unwrap_or(initdb).parent()
    {
        return Ok(folder.to_owned());
    }
    let mut versions: Vec<(u32, PathBuf)> = Path::new("/usr/lib/postgresql")
        .read_dir()
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .filter(|(_, bin)| bin.join("initdb").is_file())
        .collect();
    versions.sort();
    let (_, newest) = versions
        .pop()
        .context("PostgreSQL's server is not installed (no initdb); run `cargo xtask install`")?;
    Ok(newest)
}
