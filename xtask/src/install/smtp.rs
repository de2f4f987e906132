//! `aiosmtpd`, the mail server that tests send to.

use std::fs;

use anyhow::Result;

use super::pip;
use crate::shell::step;

/// The packages with their digests; `hoop_testkit::smtp` runs them.
const REQUIREMENTS: &str = include_str!("../../../services/testkit/src/smtp/requirements.txt");

/// Installs it, in `smtp` of the tools folder.
pub(super) fn install() -> Result<()> {
    let folder = super::tools()?.join("smtp");
    let installed = fs::read_to_string(folder.join("requirements.txt")).unwrap_or_default();
    if installed == REQUIREMENTS {
        return Ok(());
    }
    step("installing aiosmtpd (pip)", || pip::install(REQUIREMENTS, &folder))
}
