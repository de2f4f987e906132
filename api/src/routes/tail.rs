//! A session as it happens, as server-sent events or over a WebSocket: from its first packet, or
//! from where the client was, to its end.
//!
//! There is no seam between what is stored and what is live: one reader reads the recording,
//! wherever it is by then. What the broker tells is only that it is worth looking again, so
//! a slow client holds one segment and a few receipts, and nobody else waits for it. One that
//! takes nothing at all is let go of, and so is who may not follow any more, read or not.

#![expect(unused_qualifications, reason = "the macro of utoipa qualifies the type of the query")]

mod fed;
mod follow;
mod told;
mod websocket;

use std::time::Duration;

use axum::{
    extract::{
        State,
        ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    response::{IntoResponse, Response, Sse, sse::KeepAlive},
};
use futures_util::StreamExt;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{recording::Position, sessions::find};
use crate::{
    App, Error,
    auth::{Actor, browser},
    error::{Problem, Result},
    extract::{Named, Params},
    places::Places,
};
use fed::fed;
use follow::Tail;
use told::Told;

/// Proxies close what is silent for a minute.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Who takes nothing of what there is for so long is gone.
const PATIENCE: Duration = Duration::from_secs(60);
/// Each holds a segment of up to 16 MiB while it is read, and mostly much less.
pub(crate) const MOST_TAILS: usize = 256;
/// And so many of one user, whose readers may be slow for hours.
const MOST_TAILS_EACH: usize = 16;

static TAILS: Places = Places::new(MOST_TAILS, MOST_TAILS_EACH);

/// Tells nginx to pass events on as they come, whatever its configuration says.
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// How many sessions are followed.
pub(crate) fn going_on() -> usize {
    TAILS.taken()
}

/// From where on.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TailQuery {
    /// Goes on after this event, as `Last-Event-ID` does; for WebSockets of browsers, which
    /// send no header of a page's choice.
    cursor: Option<String>,
}

/// Follows a session until it ends.
///
/// Events: `packet`, with the JSON of a row of `/packets` and an `id` to go on from
/// (`Last-Event-ID`), and at last `end`, with `reason` and `message`. Who may not follow it any
/// more is told so in an event `error`, with `message`, a few seconds later. A stream that ends
/// without one of these two broke, and can be gone on with.
///
/// A request for a WebSocket gets the same events as text messages, each a JSON object with
/// `event`, `id` and `data`, and a close frame after the last: 1000 with the session's `reason`,
/// 1008 where one may not follow any more, or has sent a message, 1011 where the tail broke.
/// What signs in with a cookie has to come from a page of the gateway.
#[utoipa::path(get, path = "/api/sessions/{id}/tail", tag = "sessions",
    params(TailQuery, ("id" = String, Path, description = "the session's id"),
        ("Last-Event-ID" = Option<String>, Header, description = "goes on after this event")),
    responses((status = 101, description = "a WebSocket with the same events"),
        (status = 200, description = "server-sent events"),
        (status = 400, body = Problem, description = "what asks for a WebSocket is no handshake"),
        (status = 403, body = Problem, description = "a page of another site asks for a WebSocket"),
        (status = 404, body = Problem),
        (status = 429, description = "too many tails, of this user or of all", body = Problem)))]
pub(crate) async fn stream(
    State(app): State<App>,
    actor: Actor,
    Named(id): Named,
    Params(query): Params<TailQuery>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    headers: HeaderMap,
) -> Result<Response> {
    let session = find(&app, &actor, &id).await?.id;
    let position = position(&query, &headers)?;
    let upgrade = if browser::opens_socket(&headers) {
        let why = "a WebSocket begins with GET over HTTP/1.1, 'connection: upgrade', \
                   'sec-websocket-key' and 'sec-websocket-version: 13'";
        Some(upgrade.map_err(|_| Error::Malformed { why: why.into() })?)
    } else {
        None
    };
    let place = TAILS.take(actor.id)?;
    let tail = Tail::open(app, (headers, actor), session, position, place).await?;
    if let Some(upgrade) = upgrade {
        return Ok(websocket::answer(upgrade, tail));
    }
    let events = fed(tail.told()).map(|told| told.and_then(Told::event));
    let sse = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    Ok(([(BUFFERING, HeaderValue::from_static("no"))], sse).into_response())
}

fn position(query: &TailQuery, headers: &HeaderMap) -> Result<Position> {
    if let Some(cursor) = &query.cursor {
        return cursor.parse();
    }
    let Some(id) = headers.get("last-event-id") else { return Ok(Position::default()) };
    let position = id.to_str().ok().and_then(|id| id.parse().ok());
    position.ok_or_else(|| Error::invalid("Last-Event-ID", "is not the id of an event of a tail"))
}
