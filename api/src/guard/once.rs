//! `Idempotency-Key`: a POST that is sent twice is done once, and answered twice.
//!
//! What was answered is kept for a day, encrypted, since it may have a key in it that is shown
//! once. What came to nothing is not kept: it may be tried again. A request goes on when its
//! sender has hung up, because that is who will send it again.

use axum::{
    body::{Body, Bytes, HttpBody, to_bytes},
    extract::Request,
    http::request::Parts,
    middleware::Next,
    response::Response,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::TimeDelta;
use hoop_store::idempotency::{Once, Turn};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde::{Deserialize, Serialize};

use super::Rule;
use crate::{
    App, Error,
    auth::{Actor, token},
    error::{Result, Told, chain},
};

/// How long a key is remembered.
pub(crate) const KEPT: TimeDelta = TimeDelta::hours(24);

/// After so long, a request that was begun will not end any more.
pub(crate) const ABANDONED: TimeDelta = TimeDelta::minutes(10);

/// The longest key, and the longest answer that is kept.
const LONGEST_KEY: usize = 255;
const LONGEST_ANSWER: u64 = 256 * 1024;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that an answer was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Put into an answer that nothing was done yet: the same request, sent again, may do it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NotYet;

/// What is kept of an answer beside its body.
const HEADERS: [HeaderName; 3] = [header::CONTENT_TYPE, header::LOCATION, header::ETAG];

/// An answer as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    headers: Vec<(String, String)>,
    /// In base64.
    body: String,
}

/// Runs the handler, unless this request was done before.
pub(super) async fn run(
    rule: &Rule,
    actor: Option<&Actor>,
    parts: Parts,
    body: Bytes,
    next: Next,
) -> Result<Response> {
    let user = actor.filter(|_| parts.method == Method::POST).map(|actor| actor.id);
    let key = if user.is_some() { key(&parts.headers)? } else { None };
    let Some((user, key)) = user.zip(key) else {
        return Ok(next.run(Request::from_parts(parts, Body::from(body))).await);
    };
    let (key, digest) = digests(rule, &key, &parts, &body);
    let once = Once { user, key, request: digest };
    take_turn(&rule.app, once, Request::from_parts(parts, Body::from(body)), next).await
}

async fn take_turn(app: &App, once: Once, request: Request, next: Next) -> Result<Response> {
    match app.org.idempotency_begin(&once, app.now()).await? {
        Turn::Yours => keep(app, &once, next.run(request).await).await,
        Turn::Done { status, answer } => again(app, &once, status, answer),
        Turn::Begun(at) => Err(begun(app.now() - at)),
        Turn::Another => Err(Error::invalid(KEY.as_str(), "was sent with another request before")),
    }
}

/// The key, without the quotes that the standard wants around it.
fn key(headers: &HeaderMap) -> Result<Option<String>> {
    let Some(value) = headers.get(KEY) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default();
    let bare = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    if bare.is_empty() || LONGEST_KEY < bare.len() || bare.contains('"') {
        let why = format!("{KEY}: 1 to {LONGEST_KEY} characters are expected, such as a UUID");
        return Err(Error::Malformed { why });
    }
    Ok(Some(bare.to_owned()))
}

/// What tells a key from others of its user, and a request from others of its key.
fn digests(rule: &Rule, key: &str, parts: &Parts, body: &[u8]) -> ([u8; 32], [u8; 32]) {
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
    let key = token::digest(&format!("{}\n{key}", rule.route));
    (key, token::digest_of(&[path.as_bytes(), b"\n", body].concat()))
}

fn begun(since: TimeDelta) -> Error {
    let what = if since < ABANDONED {
        "a request with this idempotency-key is under way; ask again when it has ended"
    } else {
        "nobody knows how the request with this idempotency-key ended; look whether it was done, \
         and use another key"
    };
    Error::Conflict { what: what.into() }
}

/// Keeps a good answer, and forgets that anything was begun after another one.
async fn keep(app: &App, once: &Once, response: Response) -> Result<Response> {
    let status = response.status();
    let good = status.is_success() || status.is_redirection();
    if !good || response.extensions().get::<NotYet>().is_some() {
        if let Err(cause) = app.org.idempotency_undone(once).await {
            tracing::warn!(cause = chain(&cause), "a key stays taken for nothing");
        }
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let short = body.size_hint().upper().is_some_and(|length| length <= LONGEST_ANSWER);
    let (body, sealed) = if short {
        let bytes = to_bytes(body, usize::MAX).await.map_err(Error::internal)?;
        let sealed = seal(app, once, &parts.headers, &bytes);
        (Body::from(bytes), sealed)
    } else {
        (body, None)
    };
    if let Err(cause) = app.org.idempotency_done(once, status.as_u16(), sealed.as_deref()).await {
        tracing::warn!(cause = chain(&cause), "an answer is not kept");
    }
    Ok(Response::from_parts(parts, body))
}

fn seal(app: &App, once: &Once, headers: &HeaderMap, body: &[u8]) -> Option<Vec<u8>> {
    let text = |name: &HeaderName| {
        let value = headers.get(name)?.to_str().ok()?;
        Some((name.as_str().to_owned(), value.to_owned()))
    };
    let kept =
        Kept { headers: HEADERS.iter().filter_map(text).collect(), body: STANDARD.encode(body) };
    app.secrets().seal(&place(once), &serde_json::to_vec(&kept).ok()?).ok()
}

/// The answer that was given before.
fn again(app: &App, once: &Once, status: u16, answer: Option<Vec<u8>>) -> Result<Response> {
    let lost = || Error::Conflict {
        what: "this was done before, and its answer is not kept; look at what is there".into(),
    };
    let opened = app.secrets().open(&place(once), &answer.ok_or_else(lost)?);
    let opened = opened.map_err(|_| lost())?;
    let kept: Kept = serde_json::from_slice(opened.reveal()).map_err(Error::internal)?;
    let body = STANDARD.decode(kept.body).map_err(Error::internal)?;
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).map_err(Error::internal)?;
    for (name, value) in &kept.headers {
        let name: HeaderName = name.parse().map_err(Error::internal)?;
        let value = HeaderValue::from_str(value).map_err(Error::internal)?;
        response.headers_mut().insert(name, value);
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    let told = "answered again under its idempotency-key; nothing was done";
    response.extensions_mut().insert(Told(told.into()));
    Ok(response)
}

/// Where an answer is kept, to which it is bound.
fn place(once: &Once) -> Vec<u8> {
    [b"hoop idempotency ".as_slice(), once.user.as_bytes(), &once.key, &once.request].concat()
}
