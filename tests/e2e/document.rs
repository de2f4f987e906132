//! The REST API against its own document: schemathesis asks all that it allows, and more.

use std::process::Command;

use anyhow::{Context, ensure};
use hoop_testkit::tools;
use hoop_tests::Gateway;

use crate::Result;

/// How many requests for each operation; `E2E_EXAMPLES` says another number.
const EXAMPLES: &str = "5";

/// What has to hold: no 5xx, no undocumented status or type, no body of another shape.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_schema_conformance";

#[tokio::test]
async fn the_api_answers_whatever_it_is_asked_as_its_document_says() -> Result {
    let mut gateway = Gateway::usual().await?;
    // It asks faster than anybody else would.
    for limit in ["IDENTITY", "ADDRESS", "STRANGER", "SIGN_IN"] {
        gateway.api.set(&format!("API_RATE_{limit}"), "off");
    }
    gateway.api.stop()?;
    gateway.api.start()?;
    let packages = tools::folder().context("no folder of tools")?.join("schemathesis");
    ensure!(packages.is_dir(), "schemathesis is not installed; run `cargo xtask install`");
    let token = gateway.rest.token().context("not signed in")?;
    let examples = std::env::var_os("E2E_EXAMPLES").unwrap_or_else(|| EXAMPLES.into());
    let mut command = Command::new("python3");
    command
        .args(["-m", "schemathesis.cli", "run"])
        .arg(format!("{}/api/openapi.json", gateway.api_url))
        .args(["--header", &format!("Authorization: Bearer {token}")])
        .args(["--checks", CHECKS, "--seed", "1", "--max-examples"])
        .arg(examples)
        .args(["--phases", "examples,coverage,fuzzing", "--generation-database", "none"])
        // What ends the login of the test, and a stream that does not end.
        .args(["--exclude-path", "/api/logout", "--exclude-path", "/api/sessions/{id}/tail"])
        .env("PYTHONPATH", packages)
        .current_dir(std::env::temp_dir());
    let output = tokio::task::spawn_blocking(move || command.output()).await??;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "{said}");
    Ok(())
}
