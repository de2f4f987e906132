//! Signing in with SAML: to the identity provider, and back in two steps.
//!
//! The answer comes with a form that the provider's page posts to us. Browsers send no
//! `SameSite=Lax` cookie with that, so nothing says yet whose browser it is, and nobody is signed
//! in by it. It is verified, kept, and the browser that brought it is given a secret of its own
//! (the cookie [`Cookie::Bearer`]) and sent on to us by `GET`, with which it sends its cookies.
//! There, two secrets have to be in one browser, and each stops another attack:
//!
//! * [`Cookie::SignIn`], that this browser began. Without it, a page of an attacker could post
//!   the attacker's own answer from a victim's browser, who then works in the attacker's name.
//! * [`Cookie::Bearer`], that this browser brought the answer. Without it, an attacker could
//!   begin, have a victim go on to the provider with the attacker's request, and take what the
//!   victim's browser brought.
//!
//! A cookie with `SameSite=None` would do the first in one step, but only with TLS, and it
//! would be sent with every request of every site. No secret is in a URL.

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use chrono::TimeDelta;
use hoop_store::sign_in::SamlSignIn;
use http::{HeaderMap, header};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    begin::{self, BeginQuery, LoginUrl},
    callback,
};
use crate::{
    App, Error,
    auth::{
        browser::{self, Cookie, SIGN_IN},
        token,
    },
    error::{Problem, Result},
    extract::{FormBody, Params},
    metrics,
    saml::{Answer, CALLBACK, Provider},
};

/// How long the second step may take, which needs no person.
const STEP: TimeDelta = TimeDelta::minutes(2);

const NO_PROVIDER: Error = Error::NotFound { what: "path" };

/// What this gateway is, for the administrator of the identity provider: metadata of a service
/// provider.
#[utoipa::path(get, path = "/api/saml/metadata", tag = "login", responses(
    (status = 200, body = String, content_type = "application/samlmetadata+xml"),
    (status = 404, description = "people do not sign in with SAML here", body = Problem)))]
pub(crate) async fn metadata(State(app): State<App>) -> Result<Response> {
    let provider = app.saml.as_ref().ok_or(NO_PROVIDER)?;
    let kind = [(header::CONTENT_TYPE, "application/samlmetadata+xml")];
    Ok((kind, provider.metadata_xml().to_owned()).into_response())
}

/// Sends a browser to the identity provider. Who accepts no HTML is told the URL.
#[utoipa::path(get, path = "/api/saml/login", tag = "login", params(BeginQuery), responses(
    (status = 200, description = "where to sign in", body = LoginUrl),
    (status = 303, description = "to the identity provider"),
    (status = 404, description = "people do not sign in with SAML here", body = Problem),
    (status = 422, body = Problem),
    (status = 503, description = "the identity provider's metadata can't be had", body = Problem)))]
pub(crate) async fn begin(
    State(app): State<App>,
    headers: HeaderMap,
    Params(query): Params<BeginQuery>,
) -> Result<Response> {
    let provider = app.saml.as_ref().ok_or(NO_PROVIDER)?;
    let destination = begin::destination(query.redirect)?;
    depart(&app, provider, begin::accepts_html(&headers), destination).await
}

/// Sends a browser to the identity provider.
pub(super) async fn depart(
    app: &App,
    provider: &Provider,
    person: bool,
    destination: String,
) -> Result<Response> {
    let relay_state = token::password()?;
    let departure = provider.depart(&relay_state).await?;
    let browser = token::password()?;
    let sign_in = SamlSignIn {
        browser_digest: token::digest(&browser),
        request_id: departure.request_id,
        destination,
        expires_at: app.now() + SIGN_IN,
    };
    app.org.saml_sign_in_begin(&token::digest(&relay_state), &sign_in).await?;
    begin::sent(app, &browser, departure.url, person)
}

/// What the identity provider's page posts.
#[derive(Deserialize, ToSchema)]
pub(crate) struct AssertionForm {
    /// The response, in base64.
    #[serde(rename = "SAMLResponse")]
    response: String,
    /// As it was sent along.
    #[serde(rename = "RelayState")]
    relay_state: Option<String>,
}

/// Takes the answer of the identity provider, which signs nobody in yet.
#[utoipa::path(post, path = "/api/saml/callback", tag = "login",
    request_body(content = AssertionForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 303, description = "to the same path, where the person is signed in"),
        (status = 403, description = "not accepted, with the reason, as a page"),
        (status = 404, description = "people do not sign in with SAML here, as a page"),
        (status = 503, description = "the identity provider's metadata can't be had, as a page")))]
pub(crate) async fn answer(
    State(app): State<App>,
    FormBody(form): FormBody<AssertionForm>,
) -> Response {
    answered(&app, form).await.unwrap_or_else(callback::told)
}

async fn answered(app: &App, form: AssertionForm) -> Result<Response> {
    let provider = app.saml.as_ref().ok_or(NO_PROVIDER)?;
    let not_begun = || {
        callback::refused(
            "this sign-in was not begun here, or too long ago, or is over; begin at the gateway, \
             not at the identity provider",
        )
    };
    let relay_state = form.relay_state.unwrap_or_default();
    let relay = token::digest(&relay_state);
    // Nothing of a stranger's answer is read: first there has to be a request.
    let request_id = app.org.saml_sign_in_pending(&relay, app.now()).await?;
    let request_id = request_id.ok_or_else(not_begun)?;
    let now = app.now();
    let answer = Answer {
        response: &form.response,
        relay_state: &relay_state,
        request_id: &request_id,
        now,
    };
    let answer = provider.arrive(answer).await?;
    let bearer = token::password()?;
    let digest = token::digest(&bearer);
    // Of two who bring an answer at the same time, one has brought it.
    if !app.org.saml_sign_in_answer(&relay, &digest, &answer, now, now + STEP).await? {
        return Err(not_begun());
    }
    let cookie = [Cookie::Bearer.set(app, &bearer, STEP)?];
    Ok((cookie, Redirect::to(&at(app, CALLBACK))).into_response())
}

fn at(app: &App, path: &str) -> String {
    app.config.public_url.as_ref().map_or_else(|| path.to_owned(), |public| public.at(path))
}

/// Signs a browser in that began, and that brought the answer of the identity provider.
#[utoipa::path(get, path = "/api/saml/callback", tag = "login", responses(
    (status = 303, description = "signed in; to where the person came from"),
    (status = 403, description = "not signed in, with the reason, as a page"),
    (status = 404, description = "people do not sign in with SAML here, as a page")))]
pub(crate) async fn arrive(State(app): State<App>, headers: HeaderMap) -> Response {
    match arrived(&app, &headers).await {
        Ok(response) => {
            metrics::login("right");
            response
        }
        Err(error) => callback::told(error),
    }
}

async fn arrived(app: &App, headers: &HeaderMap) -> Result<Response> {
    if app.saml.is_none() {
        return Err(NO_PROVIDER);
    }
    let begin_again =
        || callback::refused("the identity provider's answer was used, or is gone; begin again");
    let bearer = Cookie::Bearer.read(app, headers).ok_or_else(begin_again)?;
    let arrival = app.org.saml_sign_in_take(&token::digest(bearer), app.now()).await?;
    let arrival = arrival.ok_or_else(begin_again)?;
    let browser = Cookie::SignIn.read(app, headers).map(token::digest);
    if browser != Some(arrival.browser_digest) {
        let why = "this sign-in was begun in another browser; begin again in this one";
        return Err(callback::refused(why));
    }
    let user = callback::admitted(app, &arrival.answer.identity).await?;
    let (_, cookie) = browser::sign_in_until(app, user.id, arrival.answer.ends_at).await?;
    let cookies = [cookie, Cookie::SignIn.clear(app)?, Cookie::Bearer.clear(app)?];
    Ok(callback::back(app, user, &arrival.destination, cookies))
}
