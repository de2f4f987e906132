//! A whole recording as one file, streamed, or a part of it.

#![expect(unused_qualifications, reason = "the macro of utoipa qualifies the type of the query")]

mod asciicast;
mod format;
mod sql;

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use futures_util::TryStreamExt;
use hoop_domain::SessionId;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    recording::{Position, Range, Reader, streamed, window},
    sessions::find,
};
use crate::{
    App,
    auth::Actor,
    error::{Problem, Result},
    extract::{Named, Params},
};
use format::Format;

/// As what.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DownloadQuery {
    /// `jsonl` (the default): a packet a line. `json`: a list of packets. `raw-in` and
    /// `raw-out`: the bytes of one direction as they passed; `raw` is `raw-out`. `asciicast`:
    /// a terminal to be replayed (asciicast v2). `sql`: the statements of a PostgreSQL session.
    format: Option<String>,
    /// Only this channel: sessions may have several TCP connections or commands.
    channel: Option<u32>,
}

/// Downloads a recording.
#[utoipa::path(get, path = "/api/sessions/{id}/download", tag = "sessions",
    params(DownloadQuery, ("id" = String, Path, description = "the session's id"),
        ("Range" = Option<String>, Header, description = "one range of bytes")),
    responses((status = 200, description = "the recording as a file"),
        (status = 206, description = "a part of it"),
        (status = 404, body = Problem),
        (status = 416, description = "it has no such part")))]
pub(crate) async fn stream(
    State(app): State<App>,
    actor: Actor,
    Named(id): Named,
    Params(query): Params<DownloadQuery>,
    headers: HeaderMap,
) -> Result<Response> {
    let session = find(&app, &actor, &id).await?.id;
    let format: Format = query.format.as_deref().unwrap_or("jsonl").parse()?;
    let download = Download { app, session, format, channel: query.channel };
    let mut response = match Range::of(&headers) {
        None => {
            Body::from_stream(streamed(download.open().await?, download.render())).into_response()
        }
        Some(range) => download.part(range).await?,
    };
    let name = format!("attachment; filename=\"{session}.{}\"", format.suffix());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let Ok(name) = name.parse() {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

struct Download {
    app: App,
    session: SessionId,
    format: Format,
    channel: Option<u32>,
}

impl Download {
    async fn open(&self) -> Result<Reader> {
        let direction = self.format.direction();
        Reader::open(&self.app, self.session, Position::default(), direction, 0).await
    }

    fn render(&self) -> Box<dyn super::recording::Render> {
        self.format.render(self.channel)
    }

    async fn part(&self, range: Range) -> Result<Response> {
        let counted = streamed(self.open().await?, self.render());
        let count = async |total: u64, piece: bytes::Bytes| {
            Ok(total + u64::try_from(piece.len()).unwrap_or_default())
        };
        let total = counted.try_fold(0, count).await?;
        let Some((first, last)) = range.within(total) else {
            let range = [(header::CONTENT_RANGE, format!("bytes */{total}"))];
            return Ok((StatusCode::RANGE_NOT_SATISFIABLE, range).into_response());
        };
        let part = window(streamed(self.open().await?, self.render()), first, last);
        let headers = [
            (header::CONTENT_RANGE, format!("bytes {first}-{last}/{total}")),
            (header::CONTENT_LENGTH, (last - first + 1).to_string()),
        ];
        Ok((StatusCode::PARTIAL_CONTENT, headers, Body::from_stream(part)).into_response())
    }
}
