//! The S3 server of tests and of the demo: moto, a Python package.

use std::fs;

use anyhow::Result;

use super::pip;
use crate::shell::step;

/// moto and what it needs to play S3 and nothing else.
const REQUIREMENTS: &str = include_str!("../../../tests/clients/s3/requirements.txt");

/// Installs it, in `s3` of the tools folder.
pub(super) fn install() -> Result<()> {
    let folder = super::tools()?.join("s3");
    let installed = fs::read_to_string(folder.join("requirements.txt")).unwrap_or_default();
    if installed == REQUIREMENTS {
        return Ok(());
    }
    step("installing an S3 server (pip)", || pip::install(REQUIREMENTS, &folder))
}
