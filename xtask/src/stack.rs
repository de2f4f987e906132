//! Demo, up, bench and crash: installs and builds, then hands over to the `stack` program of `hoop-tests`.

use std::{os::unix::process::CommandExt, process::Command};

use anyhow::{Context, Result};

use crate::{
    install,
    shell::{cargo, run, step, target_folder},
};

/// `cargo xtask demo`
pub(crate) fn demo(arguments: &[String]) -> Result<()> {
    hand_over("demo", Profile::Dev, arguments)
}

/// `cargo xtask up`
pub(crate) fn up(arguments: &[String]) -> Result<()> {
    hand_over("up", Profile::Dev, arguments)
}

/// `cargo xtask bench`
pub(crate) fn bench(arguments: &[String]) -> Result<()> {
    hand_over("bench", Profile::Release, arguments)
}

/// `cargo xtask crash`: with what tests need, since the steps are in debug builds only.
pub(crate) fn crash(arguments: &[String]) -> Result<()> {
    hand_over("crash", Profile::Dev, arguments)
}

/// How the programs are built.
#[derive(Debug, Clone, Copy)]
enum Profile {
    Dev,
    Release,
}

fn hand_over(task: &str, profile: Profile, arguments: &[String]) -> Result<()> {
    install::servers()?;
    let (folder, flags): (_, &[&str]) = match profile {
        Profile::Dev => ("debug", &[]),
        Profile::Release => ("release", &["--release"]),
    };
    step("building the gateway (the first time takes some minutes)", || {
        run(cargo()?.args(["build", "--workspace", "--bins", "--exclude", "xtask"]).args(flags))
    })?;
    let program = target_folder()?.join(folder).join("stack");
    // Only comes back when it could not be started.
    let error = Command::new(&program).arg(task).args(arguments).exec();
    Err(error).with_context(|| format!("start {}", program.display()))
}
