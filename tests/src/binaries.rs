//! Where the processes' programs are: beside this one, as cargo puts them.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

/// The program `name` of this workspace, built with the same profile as this one.
pub(crate) fn find(name: &str) -> Result<PathBuf> {
    let this = std::env::current_exe().context("find out where this program is")?;
    let folder = this.parent().context("this program is in no folder")?;
    // Tests are one level deeper.
    let folder = match folder.file_name() {
        Some(last) if last == "deps" => folder.parent().unwrap_or(folder),
        _ => folder,
    };
    let program = folder.join(name);
    ensure!(
        program.is_file(),
        "{name} is not built; `cargo xtask test` builds everything first, or run `cargo build --workspace`"
    );
    Ok(program)
}
