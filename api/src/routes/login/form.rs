//! Signing a browser in with a password, where there is no identity provider.

use std::net::IpAddr;

use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use hoop_store::user::User;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{LoginRequest, begin, changed_meanwhile, checked, page};
use crate::{
    App, Error,
    auth::{Source, browser},
    error::{Problem, Result, Told},
    extract::FormBody,
    guard::audit::{Claimed, SignedIn},
};

/// What the form sends.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignInForm {
    /// The address.
    email: String,
    /// The password.
    password: String,
    /// The code of an authenticator, where one is needed.
    code: Option<String>,
    /// The path to go to afterwards.
    redirect: Option<String>,
}

/// Signs a browser in with a password, and goes back to where the person came from.
#[utoipa::path(post, path = "/api/login/form", tag = "login",
    request_body(content = SignInForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 303, description = "signed in; to where the person came from"),
        (status = 401, description = "the address or the password is wrong, as the form again"),
        (status = 403, description = "not from our own form", body = Problem),
        (status = 429, description = "too many failed logins, as the form again; see retry-after")))]
pub(crate) async fn submit(
    State(app): State<App>,
    Source(source): Source,
    headers: HeaderMap,
    FormBody(form): FormBody<SignInForm>,
) -> Result<Response> {
    // Who signs a person in as somebody else sees what they do then.
    browser::from_our_page(&app, &headers)?;
    let destination = begin::destination(form.redirect)?;
    let email = form.email.clone();
    let request = LoginRequest {
        email: form.email,
        password: form.password,
        code: form.code.filter(|code| !code.is_empty()),
    };
    match sign_in(&app, source, request).await {
        Ok((user, cookie)) => {
            let who = Extension(SignedIn(user.into()));
            Ok(([cookie], who, Redirect::to(&destination)).into_response())
        }
        Err(
            error @ (Error::WrongPassword
            | Error::CodeNeeded
            | Error::WrongCode
            | Error::TooManyLogins(_)),
        ) => {
            let form = page::sign_in(&destination, Some(&error.to_string()));
            let told = Extension(Told(error.for_the_record()));
            let wait = error.retry_after().map(|header| [header]);
            Ok((error.status(), wait, told, Extension(Claimed(email)), form).into_response())
        }
        Err(error) => Err(error),
    }
}

/// Who signs in, and the cookie that says so.
async fn sign_in(
    app: &App,
    source: IpAddr,
    request: LoginRequest,
) -> Result<(User, (HeaderName, HeaderValue))> {
    let (user, hash) = checked(app, source, request).await?;
    let kept = browser::sign_in_with(app, user.id, &hash).await;
    let (_, cookie) = kept.map_err(changed_meanwhile)?;
    Ok((user, cookie))
}
