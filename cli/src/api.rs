//! The REST API, and what its refusals mean for the person at the keyboard.

use std::time::Duration;

use reqwest::{
    Client, Method, RequestBuilder, Response, StatusCode, Url,
    header::{HeaderMap, LINK},
};
use serde::Serialize;
use serde_json::Value;

/// Long enough for a gateway that waits for its broker.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A list has so many pages at most; a page has 1000 things.
const MOST_PAGES: usize = 1000;

/// Longer than the gateway tries to reach a target, which ends with an answer.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long the network may take to begin with.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A gateway's API.
#[derive(Debug)]
pub(crate) struct Api {
    client: Client,
    base: Url,
    token: Option<String>,
}

/// Why the API did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The URL is none.
    #[error("{given:?} is not a URL of a gateway's API; it looks like https://hoop.example.com")]
    InvalidUrl { given: String },
    /// Nobody answers, or the TLS certificate is not trusted.
    #[error("the gateway at {base} could not be reached; check the URL and the network")]
    Unreachable { base: Url, source: reqwest::Error },
    /// What answers is no gateway.
    #[error("what answers at {base} is not a gateway's API; check the URL")]
    NotOurs { base: Url },
    /// Not signed in, or not any more.
    #[error("{message}; run `hoop login`")]
    SignedOut { message: String },
    /// Signing in takes a code, too.
    #[error("{message}")]
    CodeNeeded { message: String },
    /// There is no such thing, or not for this user.
    #[error("{message}")]
    NotFound { message: String },
    /// It has more pages than anybody reads.
    #[error("the gateway at {base} has a list that does not end; look for one thing by its name")]
    Endless { base: Url },
    /// It is not its fault, and it may be over soon.
    #[error("{message}")]
    Unavailable { message: String },
    /// Signed in, and not allowed.
    #[error("{message}; `hoop account show` says who you are signed in as")]
    Forbidden { message: String },
    /// Another refusal, in the gateway's words.
    #[error("{message}")]
    Refused { message: String },
}

impl Error {
    /// Whether it may be otherwise when it is tried again.
    pub(crate) const fn may_pass(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::NotOurs { .. } | Self::Unavailable { .. })
    }

    /// The same; where a name was wrong, with the command that lists the right ones.
    pub(crate) fn listed_by(self, command: &str) -> Self {
        match self {
            Self::NotFound { message } => {
                Self::NotFound { message: format!("{message}; `{command}` lists what there is") }
            }
            other => other,
        }
    }
}

impl Api {
    /// The API at `base`.
    pub(crate) fn new(base: &str, token: Option<String>) -> Result<Self, Error> {
        let invalid = || Error::InvalidUrl { given: base.into() };
        let mut url: Url = base.parse().map_err(|_| invalid())?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(invalid());
        }
        // A base that does not end in a slash would lose its last segment in `join`.
        let path = format!("{}/", url.path().trim_end_matches('/'));
        url.set_path(&path);
        let client = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .user_agent(concat!("hoop/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|source| Error::Unreachable { base: url.clone(), source })?;
        Ok(Self { client, base: url, token })
    }

    /// Reads something, all pages of it if it is an array. `path` is made of segments, each of
    /// which may hold any character.
    pub(crate) async fn get(
        &self,
        path: &[&str],
        query: &(impl Serialize + Sync),
    ) -> Result<Value, Error> {
        let mut url = self.url(path);
        let first = self.client.request(Method::GET, url.clone()).query(query);
        let (answer, mut next) = self.answer(first).await?;
        let mut things = match answer {
            Value::Array(things) => things,
            thing => return Ok(thing),
        };
        for _ in 0..MOST_PAGES {
            let Some(query) = next else { return Ok(Value::Array(things)) };
            // Only the query is taken: the way here may have a prefix that the gateway does not
            // know, and the token goes nowhere else.
            url.set_query(Some(&query));
            let (more, after) = self.answer(self.client.request(Method::GET, url.clone())).await?;
            let Value::Array(more) = more else { return Err(self.not_ours()) };
            things.extend(more);
            next = after;
        }
        Err(Error::Endless { base: self.base.clone() })
    }

    /// Makes something.
    pub(crate) async fn post(
        &self,
        path: &[&str],
        body: &(impl Serialize + Sync),
    ) -> Result<Value, Error> {
        let request = self.client.request(Method::POST, self.url(path)).json(body);
        self.send(request).await
    }

    /// Changes something.
    pub(crate) async fn put(
        &self,
        path: &[&str],
        body: &(impl Serialize + Sync),
    ) -> Result<Value, Error> {
        let request = self.client.request(Method::PUT, self.url(path)).json(body);
        self.send(request).await
    }

    /// Has something tried that the gateway itself gives up after a while.
    pub(crate) async fn attempt(
        &self,
        path: &[&str],
        body: &(impl Serialize + Sync),
    ) -> Result<Value, Error> {
        let request = self.client.request(Method::POST, self.url(path)).json(body);
        let response = self.streamed(request.timeout(PATIENCE)).await?;
        let answer = response.bytes().await.map_err(|source| self.unreachable(source))?;
        serde_json::from_slice(&answer).map_err(|_| self.not_ours())
    }

    /// Reads something that may be long, or come slowly: no time limit for the whole.
    pub(crate) async fn stream(
        &self,
        path: &[&str],
        query: &(impl Serialize + Sync),
    ) -> Result<Response, Error> {
        let request = self.client.request(Method::GET, self.url(path)).query(query);
        self.streamed(request).await
    }

    /// Follows something that goes on, after the event `after`.
    pub(crate) async fn follow(
        &self,
        path: &[&str],
        after: Option<&str>,
    ) -> Result<Response, Error> {
        let request = self.client.request(Method::GET, self.url(path));
        let request = match after {
            Some(id) => request.header("last-event-id", id),
            None => request,
        };
        self.streamed(request).await
    }

    async fn streamed(&self, request: RequestBuilder) -> Result<Response, Error> {
        let response = self.respond(request).await?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = response.bytes().await.map_err(|source| self.unreachable(source))?;
        match serde_json::from_slice(&body) {
            Ok(answer) => Err(self.refusal(status, &answer)),
            Err(_) => Err(self.not_ours()),
        }
    }

    /// Deletes something.
    pub(crate) async fn delete(&self, path: &[&str]) -> Result<(), Error> {
        self.send(self.client.request(Method::DELETE, self.url(path))).await.map(drop)
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("api").extend(path);
        }
        url
    }

    async fn respond(&self, request: RequestBuilder) -> Result<Response, Error> {
        let request = match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        request.send().await.map_err(|source| self.unreachable(source))
    }

    async fn send(&self, request: RequestBuilder) -> Result<Value, Error> {
        Ok(self.answer(request).await?.0)
    }

    /// What is answered, and the query of the page after it.
    async fn answer(&self, request: RequestBuilder) -> Result<(Value, Option<String>), Error> {
        let response = self.respond(request.timeout(TIMEOUT)).await?;
        let (status, next) = (response.status(), next(response.headers()));
        let body = response.bytes().await.map_err(|source| self.unreachable(source))?;
        // Making a group, or ending a session, is answered with nothing.
        if status.is_success() && body.is_empty() {
            return Ok((Value::Null, None));
        }
        let answer: Result<Value, _> = serde_json::from_slice(&body);
        let Ok(answer) = answer else { return Err(self.not_ours()) };
        if status.is_success() { Ok((answer, next)) } else { Err(self.refusal(status, &answer)) }
    }

    fn not_ours(&self) -> Error {
        Error::NotOurs { base: self.base.clone() }
    }

    /// What the network says about a URL is in the URL's name here already.
    fn unreachable(&self, source: reqwest::Error) -> Error {
        Error::Unreachable { base: self.base.clone(), source: source.without_url() }
    }

    fn refusal(&self, status: StatusCode, answer: &Value) -> Error {
        let Some(message) = answer.get("message").and_then(Value::as_str) else {
            return self.not_ours();
        };
        let message = crate::output::printable(message);
        let field = answer.get("field").and_then(Value::as_str);
        match status {
            StatusCode::UNAUTHORIZED if field == Some("code") => Error::CodeNeeded { message },
            StatusCode::UNAUTHORIZED if self.token.is_some() => {
                Error::SignedOut { message: "your login is not valid any more".into() }
            }
            StatusCode::UNAUTHORIZED => Error::SignedOut { message },
            StatusCode::FORBIDDEN if self.token.is_some() => Error::Forbidden { message },
            StatusCode::NOT_FOUND => Error::NotFound { message },
            status if status.is_server_error() => Error::Unavailable { message },
            _ => Error::Refused { message },
        }
    }
}

/// The query of the next page, as `Link: <…?…>; rel="next"` says (RFC 8288).
fn next(headers: &HeaderMap) -> Option<String> {
    let lines = headers.get_all(LINK).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split('<').skip(1)).find_map(|link| {
        let (target, parameters) = link.split_once('>')?;
        let mut parameters = parameters.split([';', ',']).map(str::trim);
        let is_next = parameters.any(|one| ["rel=\"next\"", "rel=next"].contains(&one));
        let (_, query) = target.split_once('?')?;
        is_next.then(|| query.to_owned())
    })
}

#[cfg(test)]
pub(crate) mod tests;
