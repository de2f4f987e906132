//! A whole recording as one file, streamed.

#![expect(unused_qualifications, reason = "the macro of utoipa qualifies the type of the query")]

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use hoop_domain::Direction;
use hoop_proto::v1::{self, packet};
use http::header;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    recording::{PacketResponse, Position, Reader, Render, streamed},
    sessions::find,
};
use crate::{
    App, Error,
    auth::Actor,
    error::{Problem, Result},
    extract::{Named, Params},
};

/// As what.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DownloadQuery {
    /// `jsonl` (the default): a packet a line. `raw-in` and `raw-out`: the bytes of one
    /// direction as they passed.
    format: Option<String>,
    /// Only this channel of a raw download: sessions may have several TCP connections.
    channel: Option<u32>,
}

/// Downloads a recording.
#[utoipa::path(get, path = "/api/sessions/{id}/download", tag = "sessions",
    params(DownloadQuery, ("id" = String, Path, description = "the session's id")),
    responses((status = 200, description = "the recording as a file"),
        (status = 404, body = Problem)))]
pub(crate) async fn stream(
    State(app): State<App>,
    actor: Actor,
    Named(id): Named,
    Params(query): Params<DownloadQuery>,
) -> Result<Response> {
    let session = find(&app, &actor, &id).await?;
    let (direction, kind, suffix) = match query.format.as_deref().unwrap_or("jsonl") {
        "jsonl" => (None, "application/jsonl", "jsonl"),
        "raw-in" => (Some(Direction::In), "application/octet-stream", "in"),
        "raw-out" => (Some(Direction::Out), "application/octet-stream", "out"),
        _ => return Err(Error::invalid("format", "is jsonl, raw-in or raw-out")),
    };
    let reader = Reader::open(&app.store, session.id, Position::default(), direction, 0).await?;
    let body = if direction.is_some() {
        Body::from_stream(streamed(reader, Raw { channel: query.channel }))
    } else {
        Body::from_stream(streamed(reader, Lines))
    };
    let name = format!("attachment; filename=\"{}.{suffix}\"", session.id);
    let headers = [(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, body).into_response())
}

/// A packet a line.
struct Lines;

impl Render for Lines {
    fn packet(&mut self, packet: v1::Packet, piece: &mut Vec<u8>) {
        // Writing to memory does not fail, and the keys are strings.
        let _ = serde_json::to_writer(&mut *piece, &PacketResponse::from(packet));
        piece.push(b'\n');
    }

    fn end(&mut self, _: &mut Vec<u8>) {}
}

/// The data and nothing else.
struct Raw {
    channel: Option<u32>,
}

impl Render for Raw {
    fn packet(&mut self, packet: v1::Packet, piece: &mut Vec<u8>) {
        if self.channel.is_none_or(|channel| channel == packet.channel)
            && let Some(packet::Body::Data(data)) = packet.body
        {
            piece.extend_from_slice(&data);
        }
    }

    fn end(&mut self, _: &mut Vec<u8>) {}
}
