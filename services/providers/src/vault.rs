//! Vault: the key-value engines and the transit engine, with a token or an AppRole.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use hoop_domain::Secret;
use hoop_runtime::{Env, config};
use reqwest::{Method, RequestBuilder, StatusCode, Url};
use serde_json::{Value, json};

use super::{
    Parts, Why,
    http::{self, Answer, Http},
};

/// Vault's own programs take a lease for over a little before it is.
const EARLY: f64 = 0.75;

/// A Vault server.
#[derive(Debug)]
pub(super) struct Vault {
    http: Http,
    address: Url,
    namespace: Option<String>,
    login: Login,
}

#[derive(Debug)]
enum Login {
    Token(Secret<String>),
    AppRole { role: Secret<String>, secret: Secret<String>, token: Mutex<Option<Leased>> },
    Nothing,
}

/// A token that a login gave. Logins are not free at Vault, so it is used while it is good.
#[derive(Debug, Clone)]
struct Leased {
    token: Secret<String>,
    until: Instant,
}

impl Vault {
    /// `None` when no address is set.
    pub(super) fn from_env(env: &Env) -> Result<Option<Self>, config::Error> {
        let Some(address) = env.explained::<Url>("VAULT_ADDR")? else { return Ok(None) };
        if !matches!(address.scheme(), "http" | "https") {
            let why = "it begins with neither http:// nor https://".into();
            return Err(config::Error::Malformed { name: "VAULT_ADDR".into(), why });
        }
        let secret = |name| Ok::<_, config::Error>(env.secret(name)?.map(trimmed));
        let role = (env.text("VAULT_APP_ROLE_ID"), secret("VAULT_APP_SECRET_ID")?);
        let login = match (secret("VAULT_TOKEN")?, role) {
            (Some(token), _) => Login::Token(token),
            (None, (Some(role), Some(secret))) => {
                Login::AppRole { role: Secret::new(role), secret, token: Mutex::default() }
            }
            (None, _) => Login::Nothing,
        };
        let namespace = env.text("VAULT_NAMESPACE");
        Ok(Some(Self { http: Http::default(), address, namespace, login }))
    }

    /// What is at `path` of an engine without versions.
    pub(super) async fn read(&self, path: &str) -> Result<Parts, Why> {
        let answer = self.fetch(&segments(path)?).await?;
        object(answer, &["data"])
    }

    /// What is at `path` of an engine with versions. Its name may or may not have the `data`
    /// in it that stands between the engine and the secret.
    pub(super) async fn read_versioned(&self, path: &str) -> Result<Parts, Why> {
        let mut segments = segments(path)?;
        if !segments.contains(&"data") {
            segments.insert(1.min(segments.len()), "data");
        }
        object(self.fetch(&segments).await?, &["data", "data"])
    }

    /// What `wrapped`, a ciphertext of the key `name` of a transit engine, is; in base64, as
    /// Vault keeps it.
    pub(super) async fn decrypt(
        &self,
        engine: &str,
        name: &str,
        wrapped: &str,
    ) -> Result<Secret<String>, Why> {
        let mut path = segments(engine)?;
        path.extend(["decrypt", name]);
        let body = json!({ "ciphertext": wrapped });
        let mut parts = object(self.send(Method::POST, &path, Some(&body)).await?, &["data"])?;
        match parts.remove("plaintext") {
            Some(Value::String(text)) => Ok(Secret::new(text)),
            _ => Err(Why::Unusable("the answer holds no plaintext; is it a transit engine?")),
        }
    }

    async fn fetch(&self, path: &[&str]) -> Result<Value, Why> {
        self.send(Method::GET, path, None).await
    }

    async fn send(
        &self,
        method: Method,
        path: &[&str],
        body: Option<&Value>,
    ) -> Result<Value, Why> {
        let (token, fresh) = self.token().await?;
        let mut answer = self.ask(method.clone(), path, Some(&token), body).await?;
        if answer.status == StatusCode::FORBIDDEN && !fresh && self.forget() {
            // Somebody has revoked it before its time.
            let (token, _) = self.token().await?;
            answer = self.ask(method, path, Some(&token), body).await?;
        }
        match answer.status {
            StatusCode::OK => parsed(&answer),
            StatusCode::NOT_FOUND => Err(Why::NoSecret),
            status => Err(refused(status)),
        }
    }

    /// The token, and whether it was got just now.
    async fn token(&self) -> Result<(Secret<String>, bool), Why> {
        let (role, secret, token) = match &self.login {
            Login::Token(token) => return Ok((token.clone(), true)),
            Login::Nothing => {
                return Err(Why::NotSetUp(
                    "VAULT_TOKEN, nor VAULT_APP_ROLE_ID and VAULT_APP_SECRET_ID",
                ));
            }
            Login::AppRole { role, secret, token } => (role, secret, token),
        };
        let known = token.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(leased) = known.filter(|leased| Instant::now() < leased.until) {
            return Ok((leased.token, false));
        }
        let body = json!({ "role_id": role.reveal(), "secret_id": secret.reveal() });
        let path = ["auth", "approle", "login"];
        let answer = self.ask(Method::POST, &path, None, Some(&body)).await?;
        if answer.status != StatusCode::OK {
            return Err(refused(answer.status));
        }
        let leased = leased(&parsed(&answer)?)?;
        let got = leased.token.clone();
        *token.lock().unwrap_or_else(PoisonError::into_inner) = Some(leased);
        Ok((got, true))
    }

    /// Forgets the token of a login; `false` when there is none to forget.
    fn forget(&self) -> bool {
        let Login::AppRole { token, .. } = &self.login else { return false };
        token.lock().unwrap_or_else(PoisonError::into_inner).take().is_some()
    }

    async fn ask(
        &self,
        method: Method,
        path: &[&str],
        token: Option<&Secret<String>>,
        body: Option<&Value>,
    ) -> Result<Answer, Why> {
        let mut url = self.address.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("v1").extend(path);
        }
        let mut request: RequestBuilder = self.http.client()?.request(method, url);
        // Vault's guard against requests that somebody else was made to send.
        request = request.header("x-vault-request", "true");
        if let Some(token) = token {
            request = request.header("x-vault-token", token.reveal());
        }
        if let Some(namespace) = &self.namespace {
            request = request.header("x-vault-namespace", namespace);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let host = self.address.host_str().unwrap_or_default();
        http::send(request, &format!("Vault at {host}")).await
    }
}

/// Files and shells put a line break behind a token.
fn trimmed(text: String) -> Secret<String> {
    let text = Secret::new(text);
    Secret::new(text.reveal().trim().to_owned())
}

/// The parts of a path. None of them may lead somewhere else.
fn segments(path: &str) -> Result<Vec<&str>, Why> {
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    let wrong = |segment: &&str| matches!(*segment, "" | "." | "..");
    if segments.iter().any(wrong) {
        return Err(Why::Unusable("the path has an empty part, or one of dots"));
    }
    Ok(segments)
}

fn refused(status: StatusCode) -> Why {
    Why::Refused(format!("HTTP {}", status.as_u16()))
}

fn parsed(answer: &Answer) -> Result<Value, Why> {
    let unusable = Why::Unusable("the answer is no JSON; is VAULT_ADDR that of a Vault?");
    serde_json::from_slice(answer.body.reveal()).map_err(|_| unusable)
}

/// The object under `path` in an answer.
fn object(mut answer: Value, path: &[&str]) -> Result<Parts, Why> {
    for name in path {
        answer = answer.get_mut(*name).map(Value::take).unwrap_or_default();
    }
    match answer {
        Value::Object(parts) => Ok(parts),
        // A version that was deleted.
        Value::Null => Err(Why::NoSecret),
        _ => Err(Why::Unusable("the answer holds no secret with keys; is it of the other engine?")),
    }
}

fn leased(answer: &Value) -> Result<Leased, Why> {
    let auth = answer.get("auth").unwrap_or(&Value::Null);
    let token = auth.get("client_token").and_then(Value::as_str);
    let token = token.ok_or(Why::Unusable("the login gave no token"))?;
    let seconds = auth.get("lease_duration").and_then(Value::as_u64).unwrap_or_default();
    let until = Instant::now() + Duration::from_secs(seconds.min(86_400)).mul_f64(EARLY);
    Ok(Leased { token: Secret::new(token.to_owned()), until })
}
