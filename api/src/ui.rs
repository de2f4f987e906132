//! The user interface: the files of one folder, for everybody, beside the API.
//!
//! It is asked when no route is. What is under `/api` stays the API's, whatever is in the folder.

pub(crate) mod folder;
mod path;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, Method, StatusCode, Uri, header, request::Parts};

use crate::{App, Error, client, error::Result};

use path::Asked;

/// What a page of the interface may do: what it needs is here, and it is shown in no other.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; connect-src 'self'; img-src 'self' data:; style-src 'self'; \
     frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
);
/// A file whose name has a hash of its content is the same for ever; a year is as long as it gets.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// A browser keeps it, and asks each time whether it is still the same.
const IF_THE_SAME: HeaderValue = HeaderValue::from_static("no-cache");

/// What is answered where there is no route: a file, a page, or that there is nothing.
pub(crate) async fn answer(State(app): State<App>, request: Parts) -> Result<Response> {
    let nothing = Error::NotFound { what: "path" };
    let (Some(folder), Some(asked)) = (&app.config.ui, Asked::of(request.uri.path())) else {
        return Err(nothing);
    };
    if ![Method::GET, Method::HEAD].contains(&request.method) {
        let allowed = [(header::ALLOW, "GET, HEAD")];
        return Ok((allowed, Error::MethodNotAllowed).into_response());
    }
    // A page has many files, so they don't count as what strangers ask.
    app.limits.anybody(client::source(&request.extensions))?;
    let found = match folder.open(&request, request.uri.clone()).await? {
        None if asked.page => folder.open(&request, Uri::from_static("/")).await?,
        found => found,
    };
    let mut response = found.ok_or(nothing)?;
    let status = response.status();
    let good = status.is_success() || status == StatusCode::NOT_MODIFIED;
    let kept = if asked.hashed && good { FOR_EVER } else { IF_THE_SAME };
    response.headers_mut().insert(header::CACHE_CONTROL, kept);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, POLICY);
    Ok(response)
}
