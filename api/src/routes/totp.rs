//! A second factor: codes of an authenticator, which login then asks for.

use std::{net::IpAddr, time::Instant};

use axum::{Json, extract::State};
use hoop_domain::Secret;
use hoop_store::user::{Totp, User};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::tokens::owner;
use crate::{
    App, Error,
    auth::{Actor, Source, guesses::Guess, password, totp},
    error::{Problem, Result},
    extract::{Body, Named},
};

/// Proof that it is oneself.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EnrolRequest {
    /// One's password.
    password: String,
}

/// A code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CodeRequest {
    /// What the authenticator shows.
    code: String,
}

/// Whether there is a second factor.
#[derive(Serialize, ToSchema)]
pub(crate) struct TotpState {
    /// Whether login asks for a code.
    enabled: bool,
    /// How many recovery codes are left.
    recovery_codes: i64,
}

/// A second factor to be, shown once.
#[derive(Serialize, ToSchema)]
pub(crate) struct Enrolled {
    /// In base 32, to be typed into an authenticator.
    secret: String,
    /// The same, to be shown as a QR code.
    uri: String,
}

/// A second factor that is asked for from now on.
#[derive(Serialize, ToSchema)]
pub(crate) struct Confirmed {
    /// Each works once instead of a code. They are shown once.
    recovery_codes: Vec<String>,
}

/// Says whether a user has a second factor: people their own, administrators anybody's.
#[utoipa::path(get, path = "/api/users/{id}/totp", tag = "users",
    params(("id" = String, Path, description = "id or e-mail address")),
    responses((status = 200, body = TotpState), (status = 404, body = Problem)))]
pub(crate) async fn show(
    State(app): State<App>,
    actor: Actor,
    Named(id): Named,
) -> Result<Json<TotpState>> {
    let user = owner(&app, &actor, &id).await?;
    let totp = app.org.totp_fetch(user.id).await?;
    Ok(Json(TotpState {
        enabled: totp.as_ref().is_some_and(|totp| totp.confirmed_at.is_some()),
        recovery_codes: totp.map_or(0, |totp| totp.recovery_codes),
    }))
}

/// Makes a second factor for oneself. It counts when a code of it was confirmed.
#[utoipa::path(post, path = "/api/users/{id}/totp", tag = "users",
    params(("id" = String, Path, description = "id or e-mail address")),
    request_body = EnrolRequest,
    responses((status = 201, body = Enrolled), (status = 404, body = Problem),
        (status = 409, description = "there is one already", body = Problem),
        (status = 422, description = "the password is wrong", body = Problem)))]
pub(crate) async fn enrol(
    State(app): State<App>,
    actor: Actor,
    Source(source): Source,
    Named(id): Named,
    Body(request): Body<EnrolRequest>,
) -> Result<(StatusCode, Json<Enrolled>)> {
    let user = oneself(&app, &actor, &id).await?;
    let guess = Guess::new(&app, source, &user.email, Instant::now())?;
    let hash = app.org.user_password_of(user.id).await?;
    let attempt = guess.begin(Instant::now()).await?;
    if !password::verify(&app, Secret::new(request.password), hash).await? {
        return Err(Error::invalid("password", "is not your password"));
    }
    guess.forgiven(attempt).await?;
    let made = totp::Enrolment::new(&app, &user)?;
    app.org.totp_enrol(user.id, &made.stored).await?;
    Ok((StatusCode::CREATED, Json(Enrolled { secret: made.secret, uri: made.uri })))
}

/// Shows that the authenticator works: from now on, login asks for a code.
#[utoipa::path(post, path = "/api/users/{id}/totp/confirm", tag = "users",
    params(("id" = String, Path, description = "id or e-mail address")),
    request_body = CodeRequest,
    responses((status = 200, body = Confirmed), (status = 404, body = Problem),
        (status = 422, description = "the code is wrong", body = Problem)))]
pub(crate) async fn confirm(
    State(app): State<App>,
    actor: Actor,
    Source(source): Source,
    Named(id): Named,
    Body(request): Body<CodeRequest>,
) -> Result<Json<Confirmed>> {
    let user = oneself(&app, &actor, &id).await?;
    let totp = app.org.totp_fetch(user.id).await?.filter(|totp| totp.confirmed_at.is_none());
    let totp = totp.ok_or(Error::NotFound { what: "second factor to be confirmed" })?;
    let guess = Guess::new(&app, source, &user.email, Instant::now())?;
    let counted = guess.begin_code().await?;
    let step = totp::step(&app, user.id, &totp, &request.code)?;
    let step = step.ok_or_else(|| Error::invalid("code", "is wrong; is the clock right?"))?;
    guess.code_was_right(counted).await?;
    let (recovery_codes, digests) = totp::recovery_codes()?;
    app.org.totp_confirm(user.id, step, &digests).await?;
    Ok(Json(Confirmed { recovery_codes }))
}

/// Takes one's own second factor away.
#[utoipa::path(post, path = "/api/users/{id}/totp/disable", tag = "users",
    params(("id" = String, Path, description = "id or e-mail address")),
    request_body = CodeRequest,
    responses((status = 204), (status = 404, body = Problem),
        (status = 422, description = "the code is wrong", body = Problem)))]
pub(crate) async fn disable(
    State(app): State<App>,
    actor: Actor,
    Source(source): Source,
    Named(id): Named,
    Body(request): Body<CodeRequest>,
) -> Result<StatusCode> {
    let user = oneself(&app, &actor, &id).await?;
    let totp = app.org.totp_fetch(user.id).await?.filter(|totp| totp.confirmed_at.is_some());
    let totp = totp.ok_or(Error::NotFound { what: "second factor" })?;
    if !is_right(&app, source, &user, &totp, &request.code).await? {
        return Err(Error::invalid("code", "is wrong, or was used before"));
    }
    app.org.totp_delete(user.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes the second factor of somebody else away, who has lost it.
#[utoipa::path(delete, path = "/api/users/{id}/totp", tag = "users",
    params(("id" = String, Path, description = "id or e-mail address")),
    responses((status = 204), (status = 404, body = Problem),
        (status = 422, description = "it is yourself", body = Problem)))]
pub(crate) async fn reset(
    State(app): State<App>,
    actor: Actor,
    Named(id): Named,
) -> Result<StatusCode> {
    let user = app.org.user_fetch(&id).await?;
    if user.id == actor.id {
        return Err(Error::invalid("id", "your own is disabled with a code"));
    }
    app.org.totp_delete(user.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn is_right(app: &App, source: IpAddr, user: &User, totp: &Totp, code: &str) -> Result<bool> {
    let guess = Guess::new(app, source, &user.email, Instant::now())?;
    totp::accept(app, &guess, user.id, totp, code).await
}

/// The user `id`, if it is the actor.
async fn oneself(app: &App, actor: &Actor, id: &str) -> Result<User> {
    let user = app.org.user_fetch(id).await?;
    if user.id == actor.id { Ok(user) } else { Err(Error::NotFound { what: "user" }) }
}
