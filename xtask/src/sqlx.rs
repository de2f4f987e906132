//! Renews what the compiler knows about our queries.
//!
//! With a database at hand the macros of sqlx write what they learned to a folder; no other
//! tool is needed. The database is a throw-away one with all migrations applied.

use std::{
    fs::{self, File},
    path::Path,
    process::Command,
    time::SystemTime,
};

use anyhow::Result;

use crate::{
    install,
    shell::{cargo, root, run, step, target_folder},
};

/// `cargo xtask sqlx`
pub(crate) fn renew(_arguments: &[String]) -> Result<()> {
    install::servers()?;
    // An old one will do, and can be had although a query is not known yet.
    if !target_folder()?.join("debug/stack").is_file() {
        let stack = ["build", "--package", "hoop-tests", "--bin", "stack"];
        step("building the test kit", || run(cargo()?.args(stack)))?;
    }
    let learned = target_folder()?.join("sqlx");
    if learned.exists() {
        fs::remove_dir_all(&learned)?;
    }
    fs::create_dir_all(&learned)?;
    step("checking every query against the migrations", || {
        // A build that finds nothing changed would ask nothing.
        File::options()
            .append(true)
            .open(root()?.join("services/store/src/lib.rs"))?
            .set_modified(SystemTime::now())?;
        let cargo = cargo()?;
        run(Command::new(target_folder()?.join("debug/stack"))
            .arg("database")
            .arg(root()?.join("migrations"))
            .arg(cargo.get_program())
            // What is built here need not be built again for the tests.
            .args(["build", "--workspace", "--all-targets"])
            .current_dir(root()?)
            .env("SQLX_OFFLINE", "false")
            .env("SQLX_OFFLINE_DIR", &learned))
    })?;
    replace(&learned, &root()?.join("services/store/.sqlx"))
}

fn replace(learned: &Path, known: &Path) -> Result<()> {
    if known.exists() {
        fs::remove_dir_all(known)?;
    }
    fs::create_dir_all(known)?;
    for entry in learned.read_dir()? {
        let entry = entry?;
        fs::copy(entry.path(), known.join(entry.file_name()))?;
    }
    Ok(())
}
