//! Changing a password.

use std::time::Instant;

use axum::extract::State;
use hoop_domain::Secret;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::tokens::owner;
use crate::{
    App, Error,
    auth::{Actor, Source, With, guesses::Guess, password},
    error::{Problem, Result},
    extract::{Body, Named},
};

/// Another password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordRequest {
    /// The one before; required for one's own.
    old_password: Option<String>,
    /// 8 to 256 bytes.
    new_password: String,
}

/// Changes a password: people their own, administrators anybody's. All other tokens of the user
/// end, and the sessions that they opened.
#[utoipa::path(put, path = "/api/users/{id}/password", tag = "users",
    params(("id" = String, Path, description = "id or e-mail address")),
    request_body = PasswordRequest,
    responses((status = 204), (status = 404, body = Problem),
        (status = 422, description = "the old password is wrong, or the new one", body = Problem),
        (status = 429, description = "too many wrong passwords", body = Problem)))]
pub(crate) async fn change(
    State(app): State<App>,
    actor: Actor,
    Source(source): Source,
    With(presented): With,
    Named(id): Named,
    Body(request): Body<PasswordRequest>,
) -> Result<StatusCode> {
    let user = owner(&app, &actor, &id).await?;
    password::check("new_password", &request.new_password)?;
    let own = user.id == actor.id;
    if own {
        let old = request.old_password.unwrap_or_default();
        let guess = Guess::new(&app, source, &user.email, Instant::now())?;
        let hash = app.org.user_password_of(user.id).await?;
        let attempt = guess.begin(Instant::now()).await?;
        if !password::verify(&app, Secret::new(old), hash).await? {
            return Err(Error::invalid("old_password", "is not your password"));
        }
        guess.forgiven(attempt).await?;
    }
    let hash = password::hash(&app, Secret::new(request.new_password)).await?;
    let keep = presented.filter(|_| own);
    app.org.user_password_change(user.id, &hash, keep).await?;
    app.nudge();
    Ok(StatusCode::NO_CONTENT)
}
