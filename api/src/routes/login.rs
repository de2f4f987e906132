//! Signing in: e-mail address and password to a token, or through a browser.

pub(crate) mod begin;
pub(crate) mod callback;
pub(crate) mod form;
pub(crate) mod handover;
mod page;
pub(crate) mod saml;

use std::{net::IpAddr, time::Instant};

use axum::{Extension, Json, extract::State, response::IntoResponse};
use chrono::{DateTime, TimeDelta, Utc};
use hoop_domain::{Secret, TokenId, UserId, attempts::TooMany};
use hoop_store::{
    token::{Kind, NewToken},
    user::User,
};
use http::HeaderName;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    App, Error,
    auth::{Source, guesses::Guess, password, token, totp},
    error::{Problem, Result},
    extract::Body,
    guard::audit::SignedIn,
    metrics,
};

/// How long a login lasts.
const LOGIN: TimeDelta = TimeDelta::hours(12);

/// Where older clients look for the token.
const TOKEN: HeaderName = HeaderName::from_static("token");

/// Who wants to sign in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoginRequest {
    /// The address.
    email: String,
    /// The password.
    password: String,
    /// Of the second factor, where the user has one: what the authenticator shows, or a
    /// recovery code.
    code: Option<String>,
}

/// A login.
#[derive(Serialize, ToSchema)]
pub(crate) struct LoginResponse {
    /// `ok`.
    status: &'static str,
    /// To be sent as `authorization: Bearer …`.
    token: String,
    /// When it stops working.
    expires_at: DateTime<Utc>,
}

/// Signs a local user in for 12 hours.
#[utoipa::path(post, path = "/api/login", tag = "login", request_body = LoginRequest, responses(
    (status = 200, body = LoginResponse),
    (status = 401, description = "the address, the password or the code is wrong, or a code is needed", body = Problem),
    (status = 429, description = "too many failed logins; see retry-after", body = Problem)))]
pub(crate) async fn login(
    State(app): State<App>,
    Source(source): Source,
    Body(request): Body<LoginRequest>,
) -> Result<impl IntoResponse> {
    sign_in(&app, source, request).await
}

/// The same, under the name that older clients know.
#[utoipa::path(post, path = "/api/localauth/login", tag = "login", request_body = LoginRequest,
    responses((status = 200, body = LoginResponse),
        (status = 401, description = "the address, the password or the code is wrong, or a code is needed", body = Problem),
        (status = 429, description = "too many failed logins; see retry-after", body = Problem)))]
pub(crate) async fn local_login(
    State(app): State<App>,
    Source(source): Source,
    Body(request): Body<LoginRequest>,
) -> Result<impl IntoResponse> {
    sign_in(&app, source, request).await
}

async fn sign_in(
    app: &App,
    source: IpAddr,
    request: LoginRequest,
) -> Result<impl IntoResponse + use<>> {
    let (user, hash) = checked(app, source, request).await?;
    let_in(app, user, Some(&hash)).await.map_err(changed_meanwhile)
}

/// Whoever has the old password is nobody: the hash that was looked at is not the user's now.
fn changed_meanwhile(error: Error) -> Error {
    match error {
        Error::NotFound { .. } => Error::WrongPassword,
        error => error,
    }
}

/// The user whose address, password and code these are, and the hash of that password.
async fn checked(
    app: &App,
    source: IpAddr,
    request: LoginRequest,
) -> Result<(User, Secret<String>)> {
    if app.has_provider() {
        let why = "people of this gateway sign in at their identity provider: open the gateway in \
                   a browser, or run `hoop login`";
        return Err(Error::NotSignedIn { why: why.into() });
    }
    let too_many = |_: &TooMany| metrics::login("too_many");
    let guess = Guess::new(app, source, &request.email, Instant::now()).inspect_err(too_many)?;
    // The same time and the same answer, whether the address or the password is wrong.
    let hash = app.org.user_password(&request.email).await?;
    let attempt = guess.begin(Instant::now()).await.inspect_err(|error| {
        if let Error::TooManyLogins(_) = error {
            metrics::login("too_many");
        }
    })?;
    let right = password::verify(app, Secret::new(request.password), hash.clone()).await?;
    let Some(hash) = hash.filter(|_| right) else {
        metrics::login("wrong");
        return Err(Error::WrongPassword);
    };
    let user = app.org.user_fetch(&request.email).await?;
    let factor = app.org.totp_fetch(user.id).await?.filter(|totp| totp.confirmed_at.is_some());
    let right = match (&factor, &request.code) {
        (None, _) => Ok(true),
        (Some(_), None) => Err(Error::CodeNeeded),
        (Some(factor), Some(code)) => totp::accept(app, &guess, user.id, factor, code).await,
    };
    // The password was right in any case; only who is let in is known here from now on.
    if matches!(right, Ok(true)) {
        guess.succeeded(attempt).await?;
    } else {
        guess.forgiven(attempt).await?;
    }
    if !right? {
        metrics::login("wrong");
        return Err(Error::WrongCode);
    }
    metrics::login("right");
    Ok((user, hash))
}

/// Gives a user a token for a while.
pub(super) async fn admit(app: &App, user: User) -> Result<impl IntoResponse + use<>> {
    let_in(app, user, None).await
}

/// The same, as long as the password is still the one of this hash.
async fn let_in(
    app: &App,
    user: User,
    password: Option<&Secret<String>>,
) -> Result<impl IntoResponse + use<>> {
    let expires_at = app.now() + LOGIN;
    let token = keep(app, user.id, expires_at, None, password).await?;
    let header = [(TOKEN, token.clone())];
    let who = Extension(SignedIn(user.into()));
    Ok((header, who, Json(LoginResponse { status: "ok", token, expires_at })))
}

/// A token for `user`'s command line, which ends with `parent`, at `ends_at` at the latest.
async fn login_token(
    app: &App,
    user: UserId,
    parent: Option<TokenId>,
    ends_at: Option<DateTime<Utc>>,
) -> Result<(String, DateTime<Utc>)> {
    let longest = app.now() + LOGIN;
    let expires_at = ends_at.map_or(longest, |ends_at| longest.min(ends_at));
    Ok((keep(app, user, expires_at, parent, None).await?, expires_at))
}

async fn keep(
    app: &App,
    user: UserId,
    expires_at: DateTime<Utc>,
    parent: Option<TokenId>,
    password: Option<&Secret<String>>,
) -> Result<String> {
    let token = token::generate(token::Kind::Login)?;
    let new = NewToken {
        user,
        kind: Kind::Login,
        name: "login",
        digest: token::digest(&token),
        expires_at: Some(expires_at),
        parent,
        password,
    };
    app.org.token_keep(&new).await?;
    Ok(token)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::header::RETRY_AFTER;

    use super::*;

    #[test]
    fn a_refusal_says_when_to_try_again() {
        let answer = Error::from(TooMany(Duration::from_millis(4200))).into_response();
        assert_eq!(answer.status(), 429);
        assert_eq!(answer.headers()[RETRY_AFTER], "5");
    }
}
