//! The REST API against its own document: schemathesis asks all that it allows, and more.

use std::{ffi::OsString, process::Command};

use anyhow::{Context, ensure};
use hoop_testkit::tools;
use hoop_tests::{Gateway, Rest};

use crate::Result;

/// An administrator may do everything, so all ways of asking are tried.
const ADMINISTRATOR: Scope = Scope { phases: "examples,coverage,fuzzing", examples: "5" };

/// Of somebody who may do little the answers differ, and not how bodies are read.
const STANDARD: Scope = Scope { phases: "examples,fuzzing", examples: "2" };

/// What has to hold: no 5xx, no undocumented status or type, no body of another shape.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_schema_conformance";

/// How much is asked.
struct Scope {
    phases: &'static str,
    /// How many requests for each operation; `E2E_EXAMPLES` says another number.
    examples: &'static str,
}

/// A gateway that may be asked faster than anybody else would.
async fn gateway() -> Result<Gateway> {
    let mut gateway = Gateway::usual().await?;
    for limit in ["IDENTITY", "ADDRESS", "STRANGER", "SIGN_IN"] {
        gateway.api.set(&format!("API_RATE_{limit}"), "off");
    }
    gateway.api.stop()?;
    gateway.api.start()?;
    Ok(gateway)
}

/// Has everything asked as `who`, and fails with what schemathesis says.
async fn answers_as_documented(gateway: &Gateway, who: &Rest, scope: Scope) -> Result {
    let packages = tools::folder().context("no folder of tools")?.join("schemathesis");
    ensure!(packages.is_dir(), "schemathesis is not installed; run `cargo xtask install`");
    let token = who.token().context("not signed in")?;
    let examples = std::env::var_os("E2E_EXAMPLES");
    let mut command = Command::new("python3");
    command
        .args(["-m", "schemathesis.cli", "run"])
        .arg(format!("{}/api/openapi.json", gateway.api_url))
        .args(["--header", &format!("Authorization: Bearer {token}")])
        .args(["--checks", CHECKS, "--seed", "1", "--max-examples"])
        .arg(examples.unwrap_or_else(|| OsString::from(scope.examples)))
        .args(["--phases", scope.phases, "--generation-database", "none"])
        // What ends the login of the test, and a stream that does not end.
        .args(["--exclude-path", "/api/logout", "--exclude-path", "/api/sessions/{id}/tail"])
        .env("PYTHONPATH", packages)
        .current_dir(std::env::temp_dir());
    let output = tokio::task::spawn_blocking(move || command.output()).await??;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "{said}");
    // Nobody was asked anything if the login had ended on the way.
    who.get("/api/userinfo").await.map(drop)
}

#[tokio::test]
async fn the_api_answers_whatever_it_is_asked_as_its_document_says() -> Result {
    let gateway = gateway().await?;
    answers_as_documented(&gateway, &gateway.rest, ADMINISTRATOR).await
}

#[tokio::test]
async fn a_standard_user_is_answered_as_the_document_says_too() -> Result {
    let gateway = gateway().await?;
    gateway.open_to("shared", &["dba"]).await?;
    let ann = gateway.rest.user_create("ann@example.com", &["dba"]).await?;
    answers_as_documented(&gateway, &ann, STANDARD).await
}
