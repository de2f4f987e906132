//! A session as it happens, as server-sent events: from its first packet, or from where the
//! client was, to its end.
//!
//! There is no seam between what is stored and what is live: one reader reads the recording,
//! wherever it is by then. What the broker tells is only that it is worth looking again, so
//! a slow client holds one segment and a few receipts, and nobody else waits for it.

use std::time::{Duration, Instant};

use axum::{
    extract::State,
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
};
use futures_util::stream;
use hoop_bus::recorded::Receipts;
use hoop_domain::{Both, SessionId, session::SessionState};
use hoop_proto::v1::{self, packet::Body};
use http::{HeaderMap, Method};
use serde_json::json;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{
    recording::{PacketResponse, Position, Reader, Stage},
    sessions::find,
};
use crate::{
    App, Error,
    auth::{self, Actor},
    error::{Problem, Result, chain},
    extract::Named,
};

/// Without a word from the broker it is looked that often: for sessions that end without a
/// last packet, and for receipts that got lost.
const LOOK: Duration = Duration::from_secs(2);
/// How often it is asked whether the one who follows still may.
const RECHECK: Duration = Duration::from_secs(2);
const TAKEN_AWAY: &str =
    "you may not follow this session any more: your login or your access was taken away";
/// Proxies close what is silent for a minute.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Each holds a segment of up to 16 MiB while it is read, and mostly much less.
pub(crate) const MOST_TAILS: usize = 256;

static TAILS: Semaphore = Semaphore::const_new(MOST_TAILS);

/// How many sessions are followed.
pub(crate) fn going_on() -> usize {
    MOST_TAILS.saturating_sub(TAILS.available_permits())
}

/// Follows a session until it ends.
///
/// Events: `packet`, with the JSON of a row of `/packets` and an `id` to go on from
/// (`Last-Event-ID`), and at last `end`, with `reason` and `message`. Who may not follow it any
/// more is told so in an event `error`, with `message`, a few seconds later. A stream that ends
/// without one of these two broke, and can be gone on with.
#[utoipa::path(get, path = "/api/sessions/{id}/tail", tag = "sessions",
    params(("id" = String, Path, description = "the session's id"),
        ("Last-Event-ID" = Option<String>, Header, description = "goes on after this event")),
    responses((status = 200, description = "server-sent events"), (status = 404, body = Problem)))]
pub(crate) async fn stream(
    State(app): State<App>,
    actor: Actor,
    Named(id): Named,
    headers: HeaderMap,
) -> Result<Response> {
    let session = find(&app, &actor, &id).await?.id;
    let position = last_event(&headers)?;
    let permit = TAILS
        .try_acquire()
        .map_err(|_| Error::Unavailable("too many sessions are tailed".into()))?;
    // Before anything is read, so that nothing falls in between.
    let receipts = app.bus.receipts(session).await?;
    let reader = Reader::open(&app, session, position, None, 0).await?;
    let tail = Tail {
        app,
        headers,
        actor,
        checked_at: Instant::now(),
        session,
        reader,
        receipts,
        ends: Both::default(),
        _permit: permit,
    };
    let events = stream::try_unfold(Some(tail), |tail| async move {
        let Some(mut tail) = tail else { return Ok(None) };
        match tail.next().await {
            Ok(Next::Packet(event)) => Ok(Some((event, Some(tail)))),
            Ok(Next::End(event)) => Ok(Some((event, None))),
            Err(error) if final_word(&error) => Ok(Some((taken_away()?, None))),
            Err(error) => {
                let session = tail.session;
                tracing::warn!(%session, cause = chain(&error), "a tail was cut off");
                Err(error)
            }
        }
    });
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
    Ok(Sse::new(events).keep_alive(keep_alive).into_response())
}

fn last_event(headers: &HeaderMap) -> Result<Position> {
    let Some(id) = headers.get("last-event-id") else { return Ok(Position::default()) };
    let position = id.to_str().ok().and_then(|id| id.parse().ok());
    position.ok_or_else(|| Error::invalid("Last-Event-ID", "is not the id of an event of a tail"))
}

struct Tail {
    app: App,
    /// What the one who follows has shown of themselves.
    headers: HeaderMap,
    actor: Actor,
    checked_at: Instant,
    session: SessionId,
    reader: Reader,
    receipts: Receipts,
    /// The last packet of each direction, when it was seen.
    ends: Both<Option<v1::SessionEnd>>,
    _permit: SemaphorePermit<'static>,
}

enum Next {
    Packet(Event),
    End(Event),
}

impl Tail {
    async fn next(&mut self) -> Result<Next> {
        // What has ended without ever being recorded is noticed at once, later at each look.
        let mut look = true;
        loop {
            self.recheck().await?;
            if let Some(packet) = self.reader.next().await? {
                return self.packet(packet).map(Next::Packet);
            }
            if let Some(end) = self.end(look).await? {
                return Ok(Next::End(end));
            }
            look = tokio::select! {
                open = self.receipts.changed() => {
                    if !open {
                        return Err(Error::Unavailable("the broker is gone for good".into()));
                    }
                    false
                }
                () = tokio::time::sleep(LOOK) => true,
            };
        }
    }

    /// Whoever was deactivated, lost their role or their token, sees nothing more.
    async fn recheck(&mut self) -> Result<()> {
        if self.checked_at.elapsed() < RECHECK {
            return Ok(());
        }
        (self.actor, _) = auth::actor(&self.app, &Method::GET, &self.headers).await?;
        find(&self.app, &self.actor, &self.session.to_string()).await?;
        self.checked_at = Instant::now();
        Ok(())
    }

    fn packet(&mut self, packet: v1::Packet) -> Result<Event> {
        if let (Some(direction), Some(Body::SessionEnd(end))) = (packet.travels(), &packet.body) {
            *self.ends.get_mut(direction) = Some(end.clone());
        }
        Event::default()
            .event("packet")
            .id(self.reader.position().to_string())
            .json_data(PacketResponse::from(packet))
            .map_err(Error::internal)
    }

    /// The last event, when there is nothing more to come.
    async fn end(&self, look: bool) -> Result<Option<Event>> {
        if let (Some(end), Some(_)) = (&self.ends.inward, &self.ends.outward) {
            return event(&end.code, &end.message).map(Some);
        }
        let stage = self.reader.stage();
        if stage == Stage::Begun || (stage == Stage::Unknown && !look) {
            return Ok(None);
        }
        let session = find(&self.app, &self.actor, &self.session.to_string()).await?;
        match session.state {
            SessionState::Closed { reason, .. } => {
                event(reason.as_str(), &session.end_message).map(Some)
            }
            _ => Ok(None),
        }
    }
}

/// Whether it is about the one who follows, and asking again would not help.
const fn final_word(error: &Error) -> bool {
    matches!(error, Error::Unauthenticated | Error::Forbidden | Error::NotFound { .. })
}

/// The last event for somebody who may not follow the session any more.
fn taken_away() -> Result<Event> {
    Event::default()
        .event("error")
        .json_data(json!({ "message": TAKEN_AWAY }))
        .map_err(Error::internal)
}

fn event(reason: &str, message: &str) -> Result<Event> {
    let data = json!({ "reason": reason, "message": message });
    Event::default().event("end").json_data(data).map_err(Error::internal)
}
