//! Tags of answers, so that nobody overwrites what they have not seen, and nobody is sent again
//! what they have.
//!
//! A tag is `"version-digest"`. Whether a thing may be changed goes by its version alone, which
//! the database compares; the digest is that of the whole answer, which also says what nobody
//! has changed, such as whether an agent is online.

use std::convert::Infallible;

use axum::{
    body::Body,
    extract::{FromRequestParts, Request},
    http::request::Parts,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde::Serialize;

use crate::Error;

/// How often a change is tried anew because another one came between reading and writing.
pub(crate) const TRIES: usize = 8;

/// JSON with the tag of this version.
pub(crate) struct Tagged<T>(pub(crate) i32, pub(crate) T);

/// The versions of which a thing has to be; `None` for any.
pub(crate) struct IfMatch(pub(crate) Option<Vec<i32>>);

/// The tags of answers that somebody has.
pub(crate) struct IfNoneMatch(Vec<String>);

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        let Self(version, thing) = self;
        let body = match serde_json::to_vec(&thing) {
            Ok(body) => body,
            Err(cause) => return Error::internal(cause).into_response(),
        };
        let digest: String = blake3::hash(&body).to_hex().chars().take(16).collect();
        let json = HeaderValue::from_static("application/json");
        let mut response = ([(header::CONTENT_TYPE, json)], body).into_response();
        if let Ok(tag) = HeaderValue::from_str(&format!("\"{version}-{digest}\"")) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        response
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        if !parts.headers.contains_key(header::IF_MATCH) {
            return Ok(Self(None));
        }
        let tags: Vec<&str> = tags(&parts.headers, &header::IF_MATCH).collect();
        if tags.contains(&"*") {
            return Ok(Self(None));
        }
        // What is no tag of ours, or a weak one, is of no version.
        Ok(Self(Some(tags.into_iter().filter_map(version).collect())))
    }
}

impl IfMatch {
    /// Refuses a thing that is of another version.
    pub(crate) fn allows(&self, what: &'static str, version: i32) -> Result<(), Error> {
        match &self.0 {
            Some(versions) if !versions.contains(&version) => Err(Error::Changed { what }),
            _ => Ok(()),
        }
    }
}

impl IfNoneMatch {
    /// Of a request that reads.
    pub(crate) fn of(request: &Request) -> Self {
        if request.method() != Method::GET {
            return Self(Vec::new());
        }
        let tags = tags(request.headers(), &header::IF_NONE_MATCH);
        Self(tags.map(|tag| tag.trim_start_matches("W/").to_owned()).collect())
    }

    /// The answer, without its body if they have it.
    pub(crate) fn answer(&self, mut response: Response) -> Response {
        let Some(tag) = response.headers().get(header::ETAG) else { return response };
        let has = |known: &String| known == "*" || known.as_bytes() == tag.as_bytes();
        if response.status() == StatusCode::OK && self.0.iter().any(has) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            *response.body_mut() = Body::empty();
            response.headers_mut().remove(header::CONTENT_TYPE);
            response.headers_mut().remove(header::CONTENT_LENGTH);
        }
        response
    }
}

fn tags<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim)
}

fn version(tag: &str) -> Option<i32> {
    let (version, _) = tag.strip_prefix('"')?.strip_suffix('"')?.split_once('-')?;
    version.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_strong_tag_of_ours_is_of_a_version() {
        assert_eq!(version("\"12-0123456789abcdef\""), Some(12));
        for other in ["12-x", "W/\"12-x\"", "\"12\"", "\"x-12\"", "\"-\"", "\"", ""] {
            assert_eq!(version(other), None, "{other}");
        }
    }
}
