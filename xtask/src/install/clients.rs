//! The drivers that the end-to-end tests run against the gateway.

use std::{fs, process::Command};

use anyhow::Result;

use super::{debian, pip};
use crate::shell::{has, root, run, step};

/// psycopg, with a newer libpq than most distributions have.
const PYTHON: &str = include_str!("../../../tests/clients/python/requirements.txt");

/// What asks the REST API everything that its document allows, and more.
const SCHEMATHESIS: &str = include_str!("../../../tests/clients/schemathesis/requirements.txt");

/// psycopg, in `python` of the tools folder.
pub(super) fn python() -> Result<()> {
    packages("psycopg", "python", PYTHON)
}

/// schemathesis, in a folder of the tools that is called like it.
pub(super) fn schemathesis() -> Result<()> {
    packages("schemathesis", "schemathesis", SCHEMATHESIS)
}

fn packages(what: &str, folder: &str, requirements: &str) -> Result<()> {
    let folder = super::tools()?.join(folder);
    let installed = fs::read_to_string(folder.join("requirements.txt")).unwrap_or_default();
    if installed == requirements {
        return Ok(());
    }
    step(&format!("installing {what} (pip)"), || pip::install(requirements, &folder))
}

/// node-postgres, oidc-provider and samlp, in `node` of the tools folder.
pub(super) fn node() -> Result<()> {
    let source = root()?.join("tests/clients/node");
    let folder = super::tools()?.join("node");
    let wanted = fs::read(source.join("package-lock.json"))?;
    // npm writes this file last.
    let whole = folder.join("node_modules/.package-lock.json").is_file();
    if whole && fs::read(folder.join("package-lock.json")).ok() == Some(wanted) {
        return Ok(());
    }
    if !has("node") || !has("npm") {
        debian::packages(&["nodejs", "npm"])?;
    }
    step("installing node-postgres and identity providers (npm)", || {
        fs::create_dir_all(&folder)?;
        for file in ["package.json", "package-lock.json"] {
            fs::copy(source.join(file), folder.join(file))?;
        }
        let mut npm = Command::new("npm");
        npm.args(["ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"])
            .current_dir(&folder);
        run(&mut npm)
    })
}
