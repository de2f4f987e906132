//! What is made from the definition of the arguments: completions and manual pages.

use std::{fs, io};

use anyhow::{Context as _, Result};
use clap::CommandFactory;
use clap_complete::Shell;

use crate::{
    args::{Args, Man},
    output,
};

/// Prints the script that completes commands in `shell`.
pub(crate) fn completion(shell: Shell) -> Result<()> {
    // Into memory first: the generator can't cope with a reader that goes away.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "hoop", &mut script);
    Ok(output::write(&script)?)
}

/// Prints the manual page, or writes one for each command into a folder.
pub(crate) fn man(man: &Man) -> Result<()> {
    if let Some(folder) = &man.dir {
        let failed = || format!("{} can't be written to", folder.display());
        fs::create_dir_all(folder).with_context(failed)?;
        clap_mangen::generate_to(Args::command(), folder).with_context(failed)?;
        output::say(&format!("the manual pages are in {}", folder.display()));
        return Ok(());
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(Args::command()).render(&mut page).map_err(io::Error::other)?;
    Ok(output::write(&page)?)
}
