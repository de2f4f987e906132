//! The organisation's chain of signed manifests, for whoever verifies it.

use axum::{Json, extract::State};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use hoop_store::recording::ChainedManifest;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::recording::failed;
use crate::{
    App,
    error::{Problem, Result},
    extract::Params,
    paging::{batch, cut},
};

/// Which manifests.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ManifestQuery {
    /// Those behind this position; from the first one when left out.
    after: Option<u64>,
    /// Those that were added since then: RFC 3339.
    since: Option<DateTime<Utc>>,
    /// 1 to 1000 manifests; 100 when left out.
    limit: Option<i64>,
}

/// A part of the chain.
#[derive(Serialize, ToSchema)]
pub(crate) struct ManifestList {
    /// In the order of their positions.
    data: Vec<ManifestEntry>,
    /// Where the chain ends.
    end: ChainEnd,
    /// Whether there are more behind the last one.
    has_next_page: bool,
}

/// A manifest in its place.
#[derive(Serialize, ToSchema)]
pub(crate) struct ManifestEntry {
    /// Its place, from 1.
    position: u64,
    /// Whose it is.
    session: String,
    /// When it was added.
    added_at: DateTime<Utc>,
    /// The text that is signed.
    manifest: String,
    /// The ed25519 signature, as base64.
    signature: String,
    /// The key that it is said to be signed with, as base64. Compare it with your own.
    public_key: String,
}

/// The end of the chain, as it is noted apart from the manifests.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChainEnd {
    /// The position of the last manifest; 0 when there is none.
    position: u64,
    /// The blake3 digest of its text, in hexadecimal.
    digest: String,
}

impl From<ChainedManifest> for ManifestEntry {
    fn from(chained: ChainedManifest) -> Self {
        let ChainedManifest { position, session, added_at, manifest } = chained;
        Self {
            position,
            session: session.to_string(),
            added_at,
            manifest: manifest.encoded,
            signature: STANDARD.encode(manifest.signature),
            public_key: STANDARD.encode(manifest.public_key.0),
        }
    }
}

/// Lists signed manifests, to verify that no session is missing.
#[utoipa::path(get, path = "/api/audit/manifests", tag = "audit",
    params(ManifestQuery),
    responses((status = 200, body = ManifestList), (status = 400, body = Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    Params(query): Params<ManifestQuery>,
) -> Result<Json<ManifestList>> {
    let limit = batch(query.limit)?;
    let after = query.after.unwrap_or_default();
    // In this order: the end is never behind what is listed after it.
    let end = app.org.manifests_end().await?;
    let rows = app.org.manifests_list(after, query.since, limit + 1).await.map_err(failed)?;
    let (rows, has_next_page) = cut(rows, limit);
    let digest = blake3::Hash::from_bytes(end.digest).to_hex().to_string();
    Ok(Json(ManifestList {
        data: rows.into_iter().map(ManifestEntry::from).collect(),
        end: ChainEnd { position: end.position, digest },
        has_next_page,
    }))
}
