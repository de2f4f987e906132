//! The document of the REST API: as it is checked in, as it was promised, and with the names of
//! the contract.

mod contract;
mod promise;

use std::{env, fs, path::PathBuf};

use serde_json::Value;
use utoipa::OpenApi;

use crate::openapi::Document;

/// `cargo xtask openapi` sets it.
const RENEW: &str = "E2E_RENEW_OPENAPI";

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn read(name: &str) -> Value {
    let text = fs::read_to_string(file(name)).unwrap_or_else(|_| "null".into());
    serde_json::from_str(&text).unwrap()
}

#[test]
fn the_document_that_is_checked_in_is_the_one_that_is_served() {
    let served = serde_json::to_value(Document::openapi()).unwrap();
    if env::var_os(RENEW).is_some() {
        let text = serde_json::to_string_pretty(&served).unwrap();
        fs::write(file("openapi.json"), text + "\n").unwrap();
    }
    assert!(read("openapi.json") == served, "api/openapi.json is old; run `cargo xtask openapi`");
}

#[test]
fn nothing_that_was_promised_is_taken_back() {
    let served = serde_json::to_value(Document::openapi()).unwrap();
    let broken = promise::broken(&read("openapi.released.json"), &served);
    assert!(broken.is_empty(), "clients of the last release break:\n{}", broken.join("\n"));
}
