//! The REST API, as a program of a user sees it.

mod admin;
mod session;
mod tail;

use anyhow::{Context, Result, ensure};
use reqwest::{
    Method, StatusCode,
    header::{HeaderMap, HeaderName},
};
use serde_json::Value;

pub use session::{Packet, Recording};
pub use tail::Tail;

/// A client of the API that is logged in, or not.
#[derive(Debug, Clone)]
pub struct Rest {
    client: reqwest::Client,
    base: String,
    token: Option<String>,
    /// Sent with every request.
    claims: HeaderMap,
}

/// What the API answered, good or bad.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The body, as JSON; a string when it is none.
    pub body: Value,
    /// The header that carries a new token.
    token: Option<String>,
}

impl Rest {
    /// A client of the API at `base`, such as `http://127.0.0.1:8009`.
    ///
    /// # Errors
    /// When the HTTP client can't be made.
    pub fn new(base: &str) -> Result<Self> {
        // Only a process that is asked twice for the same provider sees this fail.
        let _installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build()?;
        Ok(Self { client, base: base.to_owned(), token: None, claims: HeaderMap::new() })
    }

    /// A client of the API behind a proxy whose certificate `authority` signed, on a socket
    /// that is bound to `address`.
    ///
    /// # Errors
    /// When the HTTP client can't be made.
    pub fn through(base: &str, authority: &[u8], address: [u8; 4]) -> Result<Self> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .local_address(std::net::IpAddr::from(address))
            .tls_certs_only([reqwest::Certificate::from_pem(authority)?])
            .build()?;
        Ok(Self { client, ..Self::new(base)? })
    }

    /// The same API, called from another address of this machine.
    ///
    /// # Errors
    /// When the HTTP client can't be made.
    pub fn from_address(&self, address: [u8; 4]) -> Result<Self> {
        let address = std::net::IpAddr::from(address);
        let client = reqwest::Client::builder().no_proxy().local_address(address).build()?;
        Ok(Self { client, ..self.clone() })
    }

    /// The same API, with a header more in every request.
    ///
    /// # Errors
    /// When it can't be sent.
    pub fn claiming(&self, name: &'static str, value: &str) -> Result<Self> {
        let mut claims = self.claims.clone();
        claims.insert(HeaderName::from_static(name), value.parse()?);
        Ok(Self { claims, ..self.clone() })
    }

    /// The same API with another token, or none.
    #[must_use]
    pub fn with_token(&self, token: Option<&str>) -> Self {
        Self { token: token.map(str::to_owned), ..self.clone() }
    }

    /// The token that it presents.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Sends a request; `body` may be null.
    ///
    /// # Errors
    /// When there is no answer. An answer that is an error is an answer.
    pub async fn send(&self, method: Method, path: &str, body: Value) -> Result<Answer> {
        let mut request = self.client.request(method.clone(), format!("{}{path}", self.base));
        request = request.headers(self.claims.clone());
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if !body.is_null() {
            request = request.json(&body);
        }
        let response = request.send().await.with_context(|| format!("{method} {path}"))?;
        let status = response.status();
        let token = response.headers().get("token").and_then(|value| value.to_str().ok());
        let token = token.map(str::to_owned);
        let text = response.text().await.with_context(|| format!("{method} {path}"))?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Answer { status, body, token })
    }

    /// GET, and the body of a good answer.
    ///
    /// # Errors
    /// With the answer, when it is not good.
    pub async fn get(&self, path: &str) -> Result<Value> {
        self.send(Method::GET, path, Value::Null).await?.good(path)
    }

    /// POST, and the body of a good answer.
    ///
    /// # Errors
    /// With the answer, when it is not good.
    pub async fn post(&self, path: &str, body: Value) -> Result<Value> {
        self.send(Method::POST, path, body).await?.good(path)
    }

    /// DELETE.
    ///
    /// # Errors
    /// With the answer, when it is not good.
    pub async fn delete(&self, path: &str) -> Result<()> {
        self.send(Method::DELETE, path, Value::Null).await?.good(path).map(|_| ())
    }

    /// GET, and the bytes of a good answer as they come.
    ///
    /// # Errors
    /// When it is not good, or breaks off.
    pub async fn download(&self, path: &str, mut visit: impl FnMut(&[u8])) -> Result<()> {
        let mut request = self.client.get(format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let mut response = request.send().await?;
        ensure!(response.status().is_success(), "GET {path} was answered {}", response.status());
        while let Some(piece) = response.chunk().await? {
            visit(&piece);
        }
        Ok(())
    }
}

impl Answer {
    fn good(self, path: &str) -> Result<Value> {
        ensure!(self.status.is_success(), "{path} was answered {}: {}", self.status, self.body);
        Ok(self.body)
    }

    /// The token in its header, where older clients look for it.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// The sentence of an error.
    #[must_use]
    pub fn message(&self) -> &str {
        text(&self.body, "message")
    }
}

/// The string `name` of a JSON object; empty when it is not there.
#[must_use]
pub fn text<'a>(json: &'a Value, name: &str) -> &'a str {
    json.get(name).and_then(Value::as_str).unwrap_or_default()
}
