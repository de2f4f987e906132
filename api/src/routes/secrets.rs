//! Another key for what is encrypted at rest: how far that is, and one step further.
//!
//! Nothing is kept about a rotation. Each step looks at some secrets, encrypts those anew that
//! are not under the first key yet, and says where to go on. Whoever begins again, or at the
//! same time, does nothing twice.

mod place;

use axum::{Json, extract::State};
use hoop_domain::Secret;
use hoop_store::sealed::Sealed;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    App, Error,
    error::{Problem, Result},
    extract::Body,
    secrets::Place as Bound,
};

use place::Place;

/// How many secrets one step looks at.
const STEP: u32 = 100;

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

/// Under which keys secrets are stored.
#[utoipa::path(get, path = "/api/secrets/rotation", tag = "secrets",
    responses((status = 200, body = RotationStatus)))]
pub(crate) async fn show(State(app): State<App>) -> Result<Json<RotationStatus>> {
    let name = |id: [u8; 8]| id.iter().map(|byte| format!("{byte:02x}")).collect();
    let keys = app.secrets().ids().map(name).collect();
    let mut status = RotationStatus { keys, total: 0, remaining: 0, broken: Vec::new() };
    let mut place = Some(Place::FIRST);
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
        None => Place::FIRST,
        Some(cursor) => Place::read(cursor)
            .ok_or_else(|| Error::invalid("cursor", "is none that this route has given"))?,
    };
    let (mut step, next) = step(&app, place, true).await?;
    step.next_cursor = next.map(Place::write);
    Ok(Json(step))
}

/// Looks at the next secrets, and with `write` encrypts anew what has to be.
async fn step(app: &App, place: Place, write: bool) -> Result<(RotationStep, Option<Place>)> {
    let (mut step, org) = (RotationStep::default(), &app.org);
    let renew = |place, stored: &[u8]| app.secrets().renew_at(place, stored);
    let next = match place {
        Place::Connections(after) => {
            let page = org.sealed_connections(after, STEP).await?;
            for secret in &page {
                let new = app.secrets().renew(secret.id, &secret.stored);
                if let Some(new) = step.due("connection", secret, new, write) {
                    org.connection_reseal(secret, new.reveal()).await?;
                }
            }
            Some(last(&page).map_or(Place::Channels(None), |id| Place::Connections(Some(id))))
        }
        Place::Channels(after) => {
            let page = org.sealed_channels(after, STEP).await?;
            for secret in &page {
                let new = app.config.channel_key.renew(secret.id, &secret.stored);
                if let Some(new) = step.due("channel", secret, new, write) {
                    org.channel_reseal(secret, new.reveal()).await?;
                }
            }
            Some(last(&page).map_or(Place::Plugins(None), |id| Place::Channels(Some(id))))
        }
        Place::Plugins(after) => {
            let page = org.sealed_plugins(after, STEP).await?;
            for secret in &page {
                let new = renew(Bound::Plugin(secret.id), &secret.stored);
                if let Some(new) = step.due("plugin", secret, new, write) {
                    org.plugin_reseal(secret, new.reveal()).await?;
                }
            }
            Some(last(&page).map_or(Place::SecondFactors(None), |id| Place::Plugins(Some(id))))
        }
        Place::SecondFactors(after) => {
            let page = org.sealed_second_factors(after, STEP).await?;
            for secret in &page {
                let new = renew(Bound::SecondFactor(secret.id), &secret.stored);
                if let Some(new) = step.due("second factor of", secret, new, write) {
                    org.second_factor_reseal(secret, new.reveal()).await?;
                }
            }
            Some(
                last(&page).map_or(Place::RefreshTokens(None), |id| Place::SecondFactors(Some(id))),
            )
        }
        Place::RefreshTokens(after) => {
            let page = org.sealed_refresh_tokens(after, STEP).await?;
            for secret in &page {
                let new = renew(Bound::RefreshToken(secret.id), &secret.stored);
                if let Some(new) = step.due("refresh token of", secret, new, write) {
                    org.refresh_token_reseal(secret, new.reveal()).await?;
                }
            }
            last(&page).map(|id| Place::RefreshTokens(Some(id)))
        }
    };
    Ok((step, next))
}

/// The last of a page that was full: there may be more.
fn last<T: Copy>(page: &[Sealed<T>]) -> Option<T> {
    page.last().filter(|_| page.len() == STEP as usize).map(|secret| secret.id)
}

impl RotationStep {
    /// Counts a secret; what has to be written, if anything and if at all.
    fn due<T, E>(
        &mut self,
        kind: &str,
        secret: &Sealed<T>,
        new: Result<Option<Vec<u8>>, E>,
        write: bool,
    ) -> Option<Secret<Vec<u8>>> {
        self.seen += 1;
        match new {
            Ok(None) => None,
            Ok(Some(new)) => {
                self.renewed += 1;
                write.then(|| Secret::new(new))
            }
            Err(_) => {
                self.broken.push(format!("{kind} {}", secret.name));
                None
            }
        }
    }
}
