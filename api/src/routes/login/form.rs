//! Signing a browser in with a password, where there is no identity provider.

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::HeaderMap;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{LoginRequest, begin, checked, page};
use crate::{
    App, Error,
    auth::{Source, browser},
    error::{Problem, Result},
    extract::FormBody,
};

/// What the form sends.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignInForm {
    /// The address.
    email: String,
    /// The password.
    password: String,
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
        (status = 429, description = "too many failed logins, as the form again")))]
pub(crate) async fn submit(
    State(app): State<App>,
    Source(source): Source,
    headers: HeaderMap,
    FormBody(form): FormBody<SignInForm>,
) -> Result<Response> {
    // Who signs a person in as somebody else sees what they do then.
    browser::from_our_page(&app, &headers)?;
    let destination = begin::destination(form.redirect)?;
    let request = LoginRequest { email: form.email, password: form.password };
    match checked(&app, source, request).await {
        Ok(user) => {
            let (_, cookie) = browser::sign_in(&app, user).await?;
            Ok(([cookie], Redirect::to(&destination)).into_response())
        }
        Err(error @ (Error::WrongPassword | Error::TooManyLogins(_))) => {
            let form = page::sign_in(&destination, Some(&error.to_string()));
            Ok((error.into_response().status(), form).into_response())
        }
        Err(error) => Err(error),
    }
}
