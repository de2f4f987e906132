//! Another key for what is encrypted at rest: how far that is, and one step further.
//!
//! Nothing is kept about a rotation. Each step looks at some secrets, encrypts those anew that
//! are not under the first key yet, and says where to go on. Whoever begins again, or at the
//! same time, does nothing twice.

use axum::{Json, extract::State};
use hoop_domain::{ChannelId, ConnectionId, Secret};
use hoop_store::sealed::Sealed;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    App, Error,
    error::{Problem, Result},
    extract::Body,
};

/// How many secrets one step looks at.
const STEP: u32 = 100;

/// Where connections end and channels begin in a cursor.
const CHANNELS: &str = "channels:";
const CONNECTIONS: &str = "connections:";

/// Under which keys secrets are.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RotationStatus {
    /// The names of the keys of this process, in hexadecimal; the first one encrypts.
    keys: Vec<String>,
    /// How many secrets there are.
    total: u64,
    /// How many of them are not under the first key.
    remaining: u64,
    /// Whose secrets open with no key, such as `connection pg-prod`.
    broken: Vec<String>,
}

/// Where to go on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RotationRequest {
    /// What the step before said; at the beginning without.
    cursor: Option<String>,
}

/// What a step did.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct RotationStep {
    /// How many secrets it looked at.
    seen: u64,
    /// How many of them it encrypted anew.
    renewed: u64,
    /// Whose secrets open with no key, and stay as they are.
    broken: Vec<String>,
    /// Where to go on; absent when all was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A place in the list of all secrets.
#[derive(Clone, Copy)]
enum Place {
    Connections(Option<ConnectionId>),
    Channels(Option<ChannelId>),
}

/// Under which keys secrets are stored.
#[utoipa::path(get, path = "/api/secrets/rotation", tag = "secrets",
    responses((status = 200, body = RotationStatus)))]
pub(crate) async fn show(State(app): State<App>) -> Result<Json<RotationStatus>> {
    let name = |id: [u8; 8]| id.iter().map(|byte| format!("{byte:02x}")).collect();
    let keys = app.secrets().ids().map(name).collect();
    let mut status = RotationStatus { keys, total: 0, remaining: 0, broken: Vec::new() };
    let mut place = Some(Place::Connections(None));
    while let Some(here) = place {
        let (step, next) = step(&app, here, false).await?;
        status.total += step.seen;
        status.remaining += step.renewed;
        status.broken.extend(step.broken);
        place = next;
    }
    Ok(Json(status))
}

/// Encrypts some secrets with the first key that are not yet. Call it until there is no
/// `next_cursor`.
#[utoipa::path(post, path = "/api/secrets/rotation", tag = "secrets",
    request_body = RotationRequest,
    responses((status = 200, body = RotationStep),
        (status = 422, description = "a field makes no sense", body = Problem)))]
pub(crate) async fn rotate(
    State(app): State<App>,
    Body(request): Body<RotationRequest>,
) -> Result<Json<RotationStep>> {
    let place = match request.cursor.as_deref() {
        None => Place::Connections(None),
        Some(cursor) => Place::read(cursor)
            .ok_or_else(|| Error::invalid("cursor", "is none that this route has given"))?,
    };
    let (mut step, next) = step(&app, place, true).await?;
    step.next_cursor = next.map(Place::write);
    Ok(Json(step))
}

/// Looks at the next secrets, and with `write` encrypts anew what has to be.
async fn step(app: &App, place: Place, write: bool) -> Result<(RotationStep, Option<Place>)> {
    let mut step = RotationStep::default();
    let next = match place {
        Place::Connections(after) => {
            let page = app.org.sealed_connections(after, STEP).await?;
            for secret in &page {
                let new = app.secrets().renew(secret.id, &secret.stored);
                if let Some(new) = step.note("connection", secret, new)
                    && write
                {
                    app.org.connection_reseal(secret, new.reveal()).await?;
                }
            }
            Some(last(&page).map_or(Place::Channels(None), |id| Place::Connections(Some(id))))
        }
        Place::Channels(after) => {
            let page = app.org.sealed_channels(after, STEP).await?;
            for secret in &page {
                let new = app.config.channel_key.renew(secret.id, &secret.stored);
                if let Some(new) = step.note("channel", secret, new)
                    && write
                {
                    app.org.channel_reseal(secret, new.reveal()).await?;
                }
            }
            last(&page).map(|id| Place::Channels(Some(id)))
        }
    };
    Ok((step, next))
}

/// The last of a page that was full: there may be more.
fn last<T: Copy>(page: &[Sealed<T>]) -> Option<T> {
    page.last().filter(|_| page.len() == STEP as usize).map(|secret| secret.id)
}

impl RotationStep {
    /// Counts a secret; what has to be written, if anything.
    fn note<T, E>(
        &mut self,
        kind: &str,
        secret: &Sealed<T>,
        new: Result<Option<Vec<u8>>, E>,
    ) -> Option<Secret<Vec<u8>>> {
        self.seen += 1;
        match new {
            Ok(None) => None,
            Ok(Some(new)) => {
                self.renewed += 1;
                Some(Secret::new(new))
            }
            Err(_) => {
                self.broken.push(format!("{kind} {}", secret.name));
                None
            }
        }
    }
}

impl Place {
    fn write(self) -> String {
        match self {
            Self::Connections(None) => CONNECTIONS.into(),
            Self::Connections(Some(id)) => format!("{CONNECTIONS}{id}"),
            Self::Channels(None) => CHANNELS.into(),
            Self::Channels(Some(id)) => format!("{CHANNELS}{id}"),
        }
    }

    fn read(text: &str) -> Option<Self> {
        let id = |rest: &str| (!rest.is_empty()).then(|| rest.to_owned());
        if let Some(rest) = text.strip_prefix(CONNECTIONS) {
            let id = id(rest).map(|rest| rest.parse()).transpose().ok()?;
            return Some(Self::Connections(id));
        }
        let rest = text.strip_prefix(CHANNELS)?;
        Some(Self::Channels(id(rest).map(|rest| rest.parse()).transpose().ok()?))
    }
}
