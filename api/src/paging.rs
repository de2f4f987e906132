//! Which page of a list, as all lists ask for it: `limit` and `cursor`.
//!
//! A list that is an object names its next page in `next_cursor`. A list that is a bare array,
//! as older clients expect it, has no place for that, and names it in the header `Link`.

use std::{fmt::Display, str::FromStr};

use axum::{
    Json,
    extract::FromRequestParts,
    http::request::Parts,
    response::{IntoResponse, Response},
};
use hoop_store::{Cursor, Page, Window};
use http::{HeaderValue, Uri, header};
use serde::{Deserialize, Serialize};

use crate::{Error, error::Result, extract::Params};

const LIMIT: usize = 20;
const LARGEST_LIMIT: usize = 100;

/// A bare array has so many at most, and when its client, who may be older than its pages, does
/// not say how many.
const LARGEST_ARRAY: usize = 1000;

/// A list that programs read to its end has so many in an answer.
const BATCH: i64 = 100;
const LARGEST_BATCH: i64 = 1000;

/// How many rows, and after which.
pub(crate) fn page(limit: Option<usize>, cursor: Option<&str>) -> Result<(usize, Option<Cursor>)> {
    let limit @ 1..=LARGEST_LIMIT = limit.unwrap_or(LIMIT) else {
        return Err(Error::invalid("limit", "is 1 to 100"));
    };
    let cursor = cursor.map(str::parse).transpose();
    Ok((limit, cursor.map_err(|error| Error::invalid("cursor", error))?))
}

/// How many rows, of a list that programs read to its end.
pub(crate) fn batch(limit: Option<i64>) -> Result<i64> {
    let limit @ 1..=LARGEST_BATCH = limit.unwrap_or(BATCH) else {
        return Err(Error::invalid("limit", "is 1 to 1000"));
    };
    Ok(limit)
}

/// At most `limit` of the rows, of which one more was fetched, and whether there are more.
pub(crate) fn cut<T>(mut rows: Vec<T>, limit: i64) -> (Vec<T>, bool) {
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = most < rows.len();
    rows.truncate(most);
    (rows, more)
}

/// Which page of an array.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ArrayQuery {
    /// 1 to 1000; 1000 when left out.
    limit: Option<usize>,
    /// Of the page before, whose `Link` header leads here.
    cursor: Option<String>,
}

/// The page of an array that is asked for, and where.
pub(crate) struct Asked<C> {
    pub(crate) window: Window<C>,
    uri: Uri,
}

/// An array, and where it goes on.
pub(crate) struct Linked<T> {
    rows: Vec<T>,
    next: Option<HeaderValue>,
}

impl<S: Send + Sync, C: FromStr> FromRequestParts<S> for Asked<C> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let Params(query) = Params::<ArrayQuery>::from_request_parts(parts, state).await?;
        Self::read(query.limit, query.cursor.as_deref(), parts.uri.clone())
    }
}

impl<C: FromStr> Asked<C> {
    /// For lists whose query asks for more than a page.
    ///
    /// # Errors
    /// When there can't be such a page.
    pub(crate) fn read(limit: Option<usize>, cursor: Option<&str>, uri: Uri) -> Result<Self> {
        let limit @ 1..=LARGEST_ARRAY = limit.unwrap_or(LARGEST_ARRAY) else {
            return Err(Error::invalid("limit", format_args!("is 1 to {LARGEST_ARRAY}")));
        };
        let why = "is none of this list; follow the Link header of the page before";
        let after = cursor.map(str::parse::<C>).transpose();
        let after = after.map_err(|_| Error::invalid("cursor", why))?;
        Ok(Self { window: Window { after, limit }, uri })
    }
}

impl<C: Display> Asked<C> {
    /// This page as its rows are shown, with the way to the next one.
    pub(crate) fn linked<T, U>(
        &self,
        page: Page<T, C>,
        show: impl FnMut(T) -> U,
    ) -> Result<Linked<U>> {
        let next = page.next.map(|cursor| self.next(&cursor)).transpose()?;
        Ok(Linked { rows: page.rows.into_iter().map(show).collect(), next })
    }

    /// What was asked for, but from `cursor` on.
    fn next(&self, cursor: &C) -> Result<HeaderValue> {
        let place = format!("limit={}&cursor={cursor}", self.window.limit);
        let others = self.uri.query().unwrap_or_default().split('&').filter(|pair| {
            let name = pair.split('=').next().unwrap_or_default();
            !["", "limit", "cursor"].contains(&name)
        });
        let query: Vec<&str> = others.chain([place.as_str()]).collect();
        let link = format!("<{}?{}>; rel=\"next\"", self.uri.path(), query.join("&"));
        HeaderValue::try_from(link).map_err(Error::internal)
    }
}

impl<T> Linked<T> {
    /// The answer, with the rows as `show` makes them.
    pub(crate) fn shown_as<U: Serialize>(self, show: impl FnOnce(Vec<T>) -> U) -> Response {
        let mut response = Json(show(self.rows)).into_response();
        if let Some(next) = self.next {
            response.headers_mut().insert(header::LINK, next);
        }
        response
    }
}

impl<T: Serialize> IntoResponse for Linked<T> {
    fn into_response(self) -> Response {
        self.shown_as(|rows| rows)
    }
}

#[cfg(test)]
mod tests {
    use hoop_store::NameCursor;

    use super::*;

    fn link(uri: &'static str, limit: Option<usize>, next: Option<&str>) -> Option<String> {
        let asked = Asked::<NameCursor>::read(limit, None, Uri::from_static(uri)).unwrap();
        let next = next.map(|name| NameCursor::from(name.to_owned()));
        let linked = asked.linked(Page { rows: vec![1, 2], next }, |row| row * 2).unwrap();
        assert_eq!(linked.rows, [2, 4]);
        let response = linked.into_response();
        let link = response.headers().get(header::LINK);
        link.map(|link| link.to_str().unwrap().to_owned())
    }

    #[test]
    fn the_link_leads_to_the_next_page_of_what_was_asked_for() {
        let next = "</api/agents?limit=1000&cursor=n6162>; rel=\"next\"";
        assert_eq!(link("/api/agents", None, Some("ab")).unwrap(), next);
        let next = "</api/agents?name=a%2Cb&limit=2&cursor=n62>; rel=\"next\"";
        let uri = "/api/agents?limit=2&name=a%2Cb&cursor=n61";
        assert_eq!(link(uri, Some(2), Some("b")).unwrap(), next);
        assert_eq!(link("/api/agents?limit=2", Some(2), None), None, "the last page");
    }
}
