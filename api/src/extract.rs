//! Reading requests, with errors in our words.

use std::time::Duration;

use axum::{
    extract::{
        FromRequest, FromRequestParts, Path, Query, Request,
        rejection::{FormRejection, JsonRejection, PathRejection, QueryRejection},
    },
    http::{header, request::Parts},
};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _},
};
use serde_json::Value;
use tokio::time::timeout;

use crate::Error;

/// How long a body of at most 1 MiB may take. It is for all of it, because a byte now and then
/// is no progress.
pub(crate) const SLOWEST_BODY: Duration = Duration::from_secs(30);

/// The JSON body.
pub(crate) struct Body<T>(pub(crate) T);

/// The JSON body of a request that may come without one.
pub(crate) struct OptionalBody<T>(pub(crate) Option<T>);

/// What a form on a page sends.
pub(crate) struct FormBody<T>(pub(crate) T);

/// The query.
pub(crate) struct Params<T>(pub(crate) T);

/// A name or an id in the path.
pub(crate) struct Named(pub(crate) String);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let read = timeout(SLOWEST_BODY, axum::Json::<T>::from_request(request, state)).await;
        match read.map_err(|_| Error::TooSlow)? {
            Ok(axum::Json(body)) => Ok(Self(body)),
            Err(JsonRejection::JsonDataError(error)) => Err(wrong_field(&error.body_text())),
            Err(JsonRejection::BytesRejection(error)) if error.status() == 413 => {
                Err(Error::TooLarge)
            }
            Err(JsonRejection::MissingJsonContentType(_)) => Err(Error::Malformed {
                why: "send the body as JSON, with 'content-type: application/json'".into(),
            }),
            Err(_) => Err(Error::Malformed { why: "the body is not valid JSON".into() }),
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for OptionalBody<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        if !request.headers().contains_key(header::CONTENT_TYPE) {
            return Ok(Self(None));
        }
        let Body(body) = Body::from_request(request, state).await?;
        Ok(Self(Some(body)))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for FormBody<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let read = timeout(SLOWEST_BODY, axum::Form::<T>::from_request(request, state)).await;
        match read.map_err(|_| Error::TooSlow)? {
            Ok(axum::Form(form)) => Ok(Self(form)),
            Err(FormRejection::FailedToDeserializeFormBody(error)) => {
                Err(wrong_field(&error.body_text()))
            }
            Err(FormRejection::BytesRejection(error)) if error.status() == 413 => {
                Err(Error::TooLarge)
            }
            Err(_) => {
                Err(Error::Malformed { why: "send the body as a form of a page does".into() })
            }
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        // The store can't hold it, so nothing that is looked for has it.
        let pairs = parts.uri.query().unwrap_or_default().split('&');
        if let Some(pair) = pairs.into_iter().find(|pair| pair.contains("%00")) {
            let field = pair.split('=').next().filter(|name| !name.contains('%'));
            return Err(Error::invalid(field.unwrap_or("query"), "has no NUL"));
        }
        let query: Result<Query<T>, QueryRejection> = Query::from_request_parts(parts, state).await;
        query.map(|Query(params)| Self(params)).map_err(|error| wrong_field(&error.body_text()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let path: Result<Path<String>, PathRejection> =
            Path::from_request_parts(parts, state).await;
        // A path that is not UTF-8 names nothing that exists.
        path.map(|Path(name)| Self(name)).map_err(|_| Error::NotFound { what: "thing" })
    }
}

/// A field that may be left out, which is `None`. It can't be null, unless that is a value of
/// `T`: so what is left out is another thing than what is given as null.
pub(crate) fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    field: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(field).map(Some)
}

/// A field that older clients send and that is not kept. It may be empty, which loses nothing.
#[derive(Default)]
pub(crate) struct Empty;

impl<'de> Deserialize<'de> for Empty {
    fn deserialize<D: Deserializer<'de>>(field: D) -> Result<Self, D::Error> {
        let empty = match Value::deserialize(field)? {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Array(values) => values.is_empty(),
            Value::Object(fields) => fields.is_empty(),
            Value::Bool(_) | Value::Number(_) => false,
        };
        if empty { Ok(Self) } else { Err(D::Error::custom("is not kept here; leave it out")) }
    }
}

/// Makes `field: why` of what the deserializer says, which is
/// `Failed to …: path: reason at line 1 column 2` or names the field in backticks.
fn wrong_field(text: &str) -> Error {
    let reason = text.split_once(": ").map_or(text, |(_, reason)| reason);
    let reason = reason.rsplit_once(" at line ").map_or(reason, |(reason, _)| reason);
    if let Some((_, rest)) = reason.split_once("field `")
        && let Some((field, rest)) = rest.split_once('`')
    {
        let missing = rest.is_empty();
        let why = if missing { "is required" } else { "is not a field of this request" };
        return Error::invalid(field, why);
    }
    match reason.split_once(": ") {
        Some((field, why)) if !field.contains(' ') => Error::invalid(field, why),
        _ => Error::invalid("body", reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_field() {
        let check = |text: &str, expect: &str| assert_eq!(wrong_field(text).to_string(), expect);
        let prefix = "Failed to deserialize the JSON body into the target type";
        check(
            &format!(
                "{prefix}: name: invalid type: integer `1`, expected a string at line 1 column 9"
            ),
            "name: invalid type: integer `1`, expected a string",
        );
        check(&format!("{prefix}: missing field `name` at line 1 column 2"), "name: is required");
        check(
            &format!("{prefix}: nmae: unknown field `nmae`, expected `name` at line 1 column 7"),
            "nmae: is not a field of this request",
        );
    }
}
