//! Packages of Python's index, pinned by hash, into a folder of our own.

use std::{fs, path::Path, process::Command};

use anyhow::Result;

use super::debian;
use crate::shell::{has, output, run};

/// Installs the requirements (with their hashes) into `folder`, whole or not at all.
pub(super) fn install(requirements: &str, folder: &Path) -> Result<()> {
    if !has("python3") || output(Command::new("python3").args(["-m", "pip", "--version"])).is_err()
    {
        debian::packages(&["python3", "python3-pip"])?;
    }
    let unfinished = folder.with_extension("unfinished");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished)?;
    }
    fs::create_dir_all(&unfinished)?;
    let list = unfinished.join("requirements.txt");
    fs::write(&list, requirements)?;
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
        .args(["--no-deps", "--only-binary", ":all:", "--require-hashes"])
        // We install into a folder of our own, whoever we are.
        .env("PIP_ROOT_USER_ACTION", "ignore")
        .arg("--target")
        .arg(&unfinished)
        .arg("--requirement")
        .arg(&list);
    run(&mut pip)?;
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::rename(&unfinished, folder)?;
    Ok(())
}
