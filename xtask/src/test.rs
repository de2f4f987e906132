//! All tests, with everything they need.

use anyhow::Result;

use crate::{
    install,
    shell::{cargo, has, run, step},
};

/// Writes the document of the REST API that is checked in.
pub(crate) fn openapi(_arguments: &[String]) -> Result<()> {
    install::servers()?;
    step("writing api/openapi.json", || {
        let test = "the_document_that_is_checked_in_is_the_one_that_is_served";
        let mut cargo = cargo()?;
        // With the features of the whole workspace, so that nothing is built again for it.
        cargo.args(["test", "--workspace", "--lib", "--", test]).env("E2E_RENEW_OPENAPI", "1");
        run(&mut cargo)
    })
}

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
