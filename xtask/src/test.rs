//! All tests, with everything they need.

use anyhow::Result;

use crate::{
    install,
    shell::{cargo, has, run, step},
};

/// Installs, builds and tests; `arguments` go to the test runner.
pub(crate) fn all(arguments: &[String]) -> Result<()> {
    install::run(&[])?;
    // The end-to-end tests run the programs, which a test command alone would not build.
    step("building (the first time takes some minutes)", || {
        run(cargo()?.args(["build", "--workspace", "--all-targets"]))
    })?;
    let runner: &[&str] = if has("cargo-nextest") { &["nextest", "run"] } else { &["test"] };
    step("testing", || run(cargo()?.args(runner).arg("--workspace").args(arguments)))
}
