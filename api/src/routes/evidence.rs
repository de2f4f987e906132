//! A recording as one archive that needs nothing else to be verified: all of it when it is
//! finished, and as far as it is signed when the session is open.

use std::collections::VecDeque;

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{Stream, stream};
use hoop_domain::{
    SessionId,
    manifest::{Checkpoint, SegmentSummary},
};
use hoop_recording::evidence;
use hoop_store::recording::SegmentInfo;
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

/// Downloads a recording with its manifest, signature and key, as a tar archive. Of an open
/// session it is what the last checkpoint signs.
#[utoipa::path(get, path = "/api/sessions/{id}/evidence", tag = "audit",
    params(("id" = String, Path, description = "the session's id")),
    responses((status = 200, description = "a tar archive"),
        (status = 404, body = Problem),
        (status = 409, body = Problem, description = "nothing of it is signed yet")))]
pub(crate) async fn stream(
    State(app): State<App>,
    actor: Actor,
    Named(id): Named,
) -> Result<Response> {
    let session = find(&app, &actor, &id).await?.id;
    let (heading, numbers) = heading(&app, session).await?;
    let mut response = Body::from_stream(archive(app, session, heading, numbers)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-tar"));
    if let Ok(name) = format!("attachment; filename=\"{session}.tar\"").parse() {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

/// The beginning of the archive, and the segments that follow.
async fn heading(app: &App, session: SessionId) -> Result<(Vec<u8>, VecDeque<u32>)> {
    // In this order: a session that ends meanwhile is open as far as this is concerned.
    let manifest = app.store.manifest_of(session).await.map_err(failed)?;
    let checkpoint = app.store.checkpoint_of(session).await.map_err(failed)?;
    // What is there and not what is signed: whether that is the same is for others to judge.
    let there = app.store.segments_of(session).await.map_err(failed)?;
    let numbers = |there: &[SegmentInfo]| there.iter().map(|segment| segment.number).collect();
    match (manifest, checkpoint) {
        (Some(manifest), checkpoint) => {
            let heading = evidence::heading(&manifest, checkpoint.as_ref());
            Ok((heading.map_err(Error::internal)?, numbers(&there)))
        }
        (None, Some(checkpoint)) => {
            let signed = Checkpoint::parse(&checkpoint.encoded);
            // What was stored since the checkpoint belongs to the next one.
            let count = signed.map_or(u32::MAX, |signed| signed.segments.count);
            let signed: Vec<_> =
                there.into_iter().filter(|segment| segment.number < count).collect();
            let list = signed.iter().map(|segment| (segment.number, summary(segment)));
            let heading = evidence::heading_open(&checkpoint, list).map_err(Error::internal)?;
            Ok((heading, numbers(&signed)))
        }
        (None, None) => {
            Err(Error::Conflict { what: "nothing of the recording is signed yet".into() })
        }
    }
}

const fn summary(segment: &SegmentInfo) -> SegmentSummary {
    let SegmentInfo { packets, raw_bytes, stored_bytes, digest, .. } = *segment;
    SegmentSummary { packets, raw_bytes, stored_bytes, digest }
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
    let Some(stored) = stored(app, session, &segment).await? else { return Ok(None) };
    let file = evidence::segment(number, &stored).map_err(Error::internal)?;
    Ok(Some(file.into()))
}
