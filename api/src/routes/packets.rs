//! The packets of a session, a page at a time.

#![expect(unused_qualifications, reason = "the macro of utoipa qualifies the type of the query")]

use axum::{Json, extract::State};
use hoop_domain::Direction;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    recording::{PacketResponse, Position, Reader},
    sessions::find,
};
use crate::{
    App, Error,
    auth::Actor,
    error::{Problem, Result},
    extract::{Named, Params},
};

const LIMIT: usize = 100;
const LARGEST_LIMIT: usize = 1000;

/// A page ends here too: a thousand packets may have 256 KiB each.
const LARGEST_PAGE: usize = 4 * 1024 * 1024;

/// Which packets.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PacketQuery {
    /// `in` or `out`; both, in the order of the recording, when left out.
    direction: Option<String>,
    /// Only packets with a higher number; needs a direction, which the numbers are of.
    after_seq: Option<u64>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// 1 to 1000 packets; 100 when left out. A page may have fewer.
    limit: Option<usize>,
}

/// A page of packets.
#[derive(Serialize, ToSchema)]
pub(crate) struct PacketList {
    /// In the order of the recording.
    data: Vec<PacketResponse>,
    /// Where the next page begins. While the session lives there may be more later.
    next_cursor: Option<String>,
    /// Whether there is one.
    has_next_page: bool,
}

/// Shows what was recorded.
#[utoipa::path(get, path = "/api/sessions/{id}/packets", tag = "sessions",
    params(PacketQuery, ("id" = String, Path, description = "the session's id")),
    responses((status = 200, body = PacketList), (status = 404, body = Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    actor: Actor,
    Named(id): Named,
    Params(query): Params<PacketQuery>,
) -> Result<Json<PacketList>> {
    let session = find(&app, &actor, &id).await?;
    let limit @ 1..=LARGEST_LIMIT = query.limit.unwrap_or(LIMIT) else {
        return Err(Error::invalid("limit", "is 1 to 1000"));
    };
    let direction = query.direction.as_deref().map(direction).transpose()?;
    if direction.is_none() && query.after_seq.is_some() {
        return Err(Error::invalid("after_seq", "needs a direction, in or out"));
    }
    let position: Position =
        query.cursor.as_deref().map(str::parse).transpose()?.unwrap_or_default();
    let after_seq = query.after_seq.unwrap_or_default();
    let mut reader = Reader::open(&app, session.id, position, direction, after_seq).await?;
    let (mut data, mut size) = (Vec::new(), 0);
    let mut next = None;
    loop {
        let here = reader.position();
        let Some(packet) = reader.next().await? else { break };
        if data.len() == limit || LARGEST_PAGE < size {
            next = Some(here.to_string());
            break;
        }
        let packet = PacketResponse::from(packet);
        size += packet.size();
        data.push(packet);
    }
    Ok(Json(PacketList { data, has_next_page: next.is_some(), next_cursor: next }))
}

/// Reads `in` or `out`.
pub(crate) fn direction(name: &str) -> Result<Direction> {
    Direction::BOTH
        .into_iter()
        .find(|direction| direction.as_str() == name)
        .ok_or_else(|| Error::invalid("direction", "is in or out"))
}
