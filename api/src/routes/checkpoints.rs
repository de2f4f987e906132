//! What is signed of sessions that are open, for whoever verifies it.

use axum::{Json, extract::State};
use base64::{Engine, engine::general_purpose::STANDARD};
use hoop_domain::SessionId;
use hoop_store::recording::OpenRecording;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::recording::failed;
use crate::{
    App, Error,
    error::{Problem, Result},
    extract::Params,
    paging::{batch, cut},
};

/// Which checkpoints.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CheckpointQuery {
    /// Those behind this session; from the first one when left out.
    after: Option<String>,
    /// 1 to 1000 checkpoints; 100 when left out.
    limit: Option<i64>,
}

/// Open recordings that something is stored of.
#[derive(Serialize, ToSchema)]
pub(crate) struct CheckpointList {
    /// In the order of their sessions, which is that of their beginning.
    data: Vec<CheckpointEntry>,
    /// Whether there are more behind the last one.
    has_next_page: bool,
}

/// An open recording.
#[derive(Serialize, ToSchema)]
pub(crate) struct CheckpointEntry {
    /// The session.
    session: String,
    /// What is signed of it; missing when that is gone.
    signed: Option<SignedCheckpoint>,
}

/// A checkpoint.
#[derive(Serialize, ToSchema)]
pub(crate) struct SignedCheckpoint {
    /// The text that is signed.
    checkpoint: String,
    /// The ed25519 signature, as base64.
    signature: String,
    /// The key that it is said to be signed with, as base64. Compare it with your own.
    public_key: String,
}

impl From<OpenRecording> for CheckpointEntry {
    fn from(open: OpenRecording) -> Self {
        let signed = open.checkpoint.map(|checkpoint| SignedCheckpoint {
            checkpoint: checkpoint.encoded,
            signature: STANDARD.encode(checkpoint.signature),
            public_key: STANDARD.encode(checkpoint.public_key.0),
        });
        Self { session: open.session.to_string(), signed }
    }
}

/// Lists what is signed of open sessions.
#[utoipa::path(get, path = "/api/audit/checkpoints", tag = "audit",
    params(CheckpointQuery),
    responses((status = 200, body = CheckpointList), (status = 400, body = Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    Params(query): Params<CheckpointQuery>,
) -> Result<Json<CheckpointList>> {
    let limit = batch(query.limit)?;
    let after = query.after.as_deref().map(str::parse::<SessionId>).transpose();
    let after = after.map_err(|_| Error::invalid("after", "must be the id of a session"))?;
    let rows = app.org.recordings_open(after, limit + 1).await.map_err(failed)?;
    let (rows, has_next_page) = cut(rows, limit);
    let data = rows.into_iter().map(CheckpointEntry::from).collect();
    Ok(Json(CheckpointList { data, has_next_page }))
}
