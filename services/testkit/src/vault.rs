//! A small, strict server that answers as Vault does: two key-value engines, a transit engine
//! with the key `hoop`, tokens, AppRole.
//!
//! It knows the requests that Vault's documentation gives and refuses all others, with Vault's
//! own status and body. Secrets are forgotten when it is dropped.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Result;
use serde_json::{Value, json};
use tokio::task::AbortHandle;

use crate::http::{self, Request};

/// The token that always works.
pub const TOKEN: &str = "hvs.root-of-the-testkit";
/// The role that may log in.
pub const ROLE: &str = "role-of-the-testkit";
/// The secret of the role.
pub const SECRET: &str = "secret-id-of-the-testkit";

/// A running server.
#[derive(Debug)]
pub struct Vault {
    port: u16,
    state: Arc<Mutex<State>>,
    server: AbortHandle,
}

#[derive(Debug, Default)]
struct State {
    /// `kv/…` without versions, `secret/…` with them, as the path is called.
    secrets: BTreeMap<String, Value>,
    /// What was wrapped, by ciphertext; both in base64.
    wrapped: BTreeMap<String, String>,
    tokens: Vec<String>,
    logins: usize,
    reads: Vec<String>,
}

/// Starts one on a free port.
///
/// # Errors
/// When there is no port.
pub async fn vault() -> Result<Vault> {
    let state: Arc<Mutex<State>> = Arc::default();
    let shared = Arc::clone(&state);
    let answer = move |request: &Request| {
        shared.lock().unwrap_or_else(PoisonError::into_inner).answer(request)
    };
    let (port, server) = http::serve(answer).await?;
    Ok(Vault { port, state, server })
}

impl Vault {
    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Stores a secret in the engine `kv`, which has no versions.
    pub fn store(&self, path: &str, secret: Value) {
        self.state().secrets.insert(format!("kv/{path}"), secret);
    }

    /// Stores a secret in the engine `secret`, which has versions.
    pub fn store_versioned(&self, path: &str, secret: Value) {
        self.state().secrets.insert(format!("secret/data/{path}"), secret);
    }

    /// What `vault write transit/encrypt/hoop` gives for a text in base64.
    #[must_use]
    pub fn wrap(&self, plain: &str) -> String {
        let mut state = self.state();
        let ciphertext = format!("vault:v1:{:040}", state.wrapped.len() + 1);
        state.wrapped.insert(ciphertext.clone(), plain.to_owned());
        ciphertext
    }

    /// Takes all tokens that logins gave.
    pub fn revoke_logins(&self) {
        self.state().tokens.clear();
    }

    /// How often somebody has logged in.
    #[must_use]
    pub fn logins(&self) -> usize {
        self.state().logins
    }

    /// The paths that were read, in order.
    #[must_use]
    pub fn reads(&self) -> Vec<String> {
        self.state().reads.clone()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Vault {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl State {
    fn answer(&mut self, request: &Request) -> (u16, Value) {
        let refused = |status, why: &str| (status, json!({ "errors": [why] }));
        // Vault refuses this only where it is told to; we always want it to be there.
        if request.headers.get("x-vault-request").map(String::as_str) != Some("true") {
            return refused(412, "required 'X-Vault-Request' header is missing");
        }
        let Some(path) = request.path.strip_prefix("/v1/") else {
            return refused(404, "no handler for route");
        };
        match (request.method.as_str(), path) {
            ("POST" | "PUT", "auth/approle/login") => self.log_in(&request.body),
            _ if !self.knows(request) => refused(403, "permission denied"),
            ("POST" | "PUT", "transit/decrypt/hoop") => self.unwrap(&request.body),
            ("GET", path) => {
                self.reads.push(path.to_owned());
                self.read(path)
            }
            _ => refused(405, "unsupported operation"),
        }
    }

    fn knows(&self, request: &Request) -> bool {
        let token = request.headers.get("x-vault-token");
        token.is_some_and(|token| token == TOKEN || self.tokens.contains(token))
    }

    fn unwrap(&self, body: &[u8]) -> (u16, Value) {
        let given: Value = serde_json::from_slice(body).unwrap_or_default();
        let ciphertext = given.get("ciphertext").and_then(Value::as_str);
        match ciphertext.and_then(|text| self.wrapped.get(text)) {
            Some(plain) => (200, json!({ "data": { "plaintext": plain } })),
            None => (400, json!({ "errors": ["invalid ciphertext: unable to decrypt"] })),
        }
    }

    fn log_in(&mut self, body: &[u8]) -> (u16, Value) {
        let given: Value = serde_json::from_slice(body).unwrap_or_default();
        if given != json!({ "role_id": ROLE, "secret_id": SECRET }) {
            return (400, json!({ "errors": ["invalid role or secret ID"] }));
        }
        self.logins += 1;
        let token = format!("hvs.login-{}", self.logins);
        self.tokens.push(token.clone());
        let auth = json!({ "client_token": token, "lease_duration": 3600, "renewable": true });
        (200, json!({ "auth": auth, "data": null }))
    }

    fn read(&self, path: &str) -> (u16, Value) {
        match self.secrets.get(path) {
            None => (404, json!({ "errors": [] })),
            Some(secret) if path.starts_with("kv/") => {
                (200, json!({ "data": secret, "lease_duration": 2_764_800 }))
            }
            Some(secret) => {
                let metadata = json!({ "version": 1, "destroyed": false, "deletion_time": "" });
                (200, json!({ "data": { "data": secret, "metadata": metadata } }))
            }
        }
    }
}
