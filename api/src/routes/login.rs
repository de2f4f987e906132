//! Signing in: e-mail address and password to a token, or through a browser.

pub(crate) mod begin;
pub(crate) mod callback;
pub(crate) mod form;
pub(crate) mod handover;
mod page;

use std::{net::IpAddr, time::Instant};

use axum::{Json, extract::State, response::IntoResponse};
use chrono::{DateTime, TimeDelta, Utc};
use hoop_domain::{Secret, TokenId, UserId, attempts::TooMany};
use hoop_store::token::{Kind, NewToken};
use http::HeaderName;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    App, Error,
    auth::{Source, guesses::Guess, password, token},
    error::{Problem, Result},
    extract::Body,
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
    (status = 401, description = "the address or the password is wrong", body = Problem),
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
        (status = 401, description = "the address or the password is wrong", body = Problem),
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
    let user = checked(app, source, request).await?;
    let (token, expires_at) = login_token(app, user, None).await?;
    let header = [(TOKEN, token.clone())];
    Ok((header, Json(LoginResponse { status: "ok", token, expires_at })))
}

/// The user whose address and password these are.
async fn checked(app: &App, source: IpAddr, request: LoginRequest) -> Result<UserId> {
    if app.provider.is_some() {
        let why = "people of this gateway sign in at their identity provider: open the gateway in \
                   a browser, or run `hoop login`";
        return Err(Error::NotSignedIn { why: why.into() });
    }
    let too_many = |_: &TooMany| metrics::login("too_many");
    let guess = Guess::new(app, source, &request.email, Instant::now()).inspect_err(too_many)?;
    // The same time and the same answer, whether the address or the password is wrong.
    let hash = app.org.user_password(&request.email).await?;
    let attempt = guess.begin(Instant::now()).inspect_err(too_many)?;
    if !password::verify(app, Secret::new(request.password), hash).await? {
        metrics::login("wrong");
        return Err(Error::WrongPassword);
    }
    metrics::login("right");
    guess.succeeded(attempt);
    Ok(app.org.user_fetch(&request.email).await?.id)
}

/// A token for `user`'s command line, which ends with `parent`.
async fn login_token(
    app: &App,
    user: UserId,
    parent: Option<TokenId>,
) -> Result<(String, DateTime<Utc>)> {
    let token = token::generate(token::Kind::Login)?;
    let expires_at = app.now() + LOGIN;
    let new = NewToken {
        user,
        kind: Kind::Login,
        name: "login",
        digest: token::digest(&token),
        expires_at: Some(expires_at),
        parent,
    };
    app.org.token_keep(&new).await?;
    Ok((token, expires_at))
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
