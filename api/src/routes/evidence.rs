//! A finished recording as one archive that needs nothing else to be verified.

use std::collections::VecDeque;

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{Stream, stream};
use hoop_domain::SessionId;
use hoop_recording::evidence;
use http::{HeaderValue, header};

use super::{
    recording::{failed, stored},
    sessions::find,
};
use crate::{
    App, Error,
    auth::Actor,
    error::{Problem, Result, chain},
    extract::Named,
};

/// Downloads a finished recording with its manifest, signature and key, as a tar archive.
#[utoipa::path(get, path = "/api/sessions/{id}/evidence", tag = "audit",
    params(("id" = String, Path, description = "the session's id")),
    responses((status = 200, description = "a tar archive"),
        (status = 404, body = Problem),
        (status = 409, body = Problem, description = "the recording is not finished")))]
pub(crate) async fn stream(
    State(app): State<App>,
    actor: Actor,
    Named(id): Named,
) -> Result<Response> {
    let session = find(&app, &actor, &id).await?.id;
    let signed = app.store.manifest_of(session).await.map_err(failed)?;
    let signed = signed.ok_or_else(|| Error::Conflict {
        what: "the recording is not finished, so nothing of it is signed yet".into(),
    })?;
    // What is there and not what is signed: whether that is the same is for others to judge.
    let there = app.store.segments_of(session).await.map_err(failed)?;
    let numbers = there.into_iter().map(|segment| segment.number).collect();
    let heading = evidence::heading(&signed).map_err(Error::internal)?;
    let mut response = Body::from_stream(archive(app, session, heading, numbers)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-tar"));
    if let Ok(name) = format!("attachment; filename=\"{session}.tar\"").parse() {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

/// What is still to come of an archive.
enum Left {
    Heading(Vec<u8>),
    Segments,
    Nothing,
}

fn archive(
    app: App,
    session: SessionId,
    heading: Vec<u8>,
    numbers: VecDeque<u32>,
) -> impl Stream<Item = Result<Bytes>> + Send {
    let state = (app, numbers, Left::Heading(heading));
    stream::try_unfold(state, move |(app, mut numbers, left)| async move {
        match left {
            Left::Heading(heading) => Ok(Some((heading.into(), (app, numbers, Left::Segments)))),
            Left::Nothing => Ok(None),
            Left::Segments => loop {
                let Some(number) = numbers.pop_front() else {
                    return Ok(Some((evidence::ending().into(), (app, numbers, Left::Nothing))));
                };
                match piece(&app, session, number).await {
                    Ok(Some(file)) => return Ok(Some((file, (app, numbers, Left::Segments)))),
                    Ok(None) => {}
                    Err(error) => {
                        tracing::error!(cause = chain(&error), %session, "evidence was cut off");
                        return Err(error);
                    }
                }
            },
        }
    })
}

/// A segment; `None` when it has been removed, which whoever verifies will find.
async fn piece(app: &App, session: SessionId, number: u32) -> Result<Option<Bytes>> {
    let Some(segment) = app.store.segment_fetch(session, number).await.map_err(failed)? else {
        return Ok(None);
    };
    let Some(stored) = stored(app, &segment).await? else { return Ok(None) };
    let file = evidence::segment(number, &stored).map_err(Error::internal)?;
    Ok(Some(file.into()))
}
