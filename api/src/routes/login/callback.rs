//! `GET /api/callback`: somebody comes back from the identity provider.

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use hoop_store::{
    sign_in::{Identity, NotLetIn},
    user::User,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Deserialize;

use super::page;
use crate::{
    App, Error,
    auth::{
        browser::{self, Cookie},
        token,
    },
    error::{Result, Told},
    extract::Params,
    guard::audit::SignedIn,
    metrics, oidc,
};

/// What the provider sends along, or says instead.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CallbackQuery {
    /// To be redeemed.
    code: Option<String>,
    /// Who was sent.
    state: Option<String>,
    /// Who answers.
    iss: Option<String>,
    /// Why not.
    error: Option<String>,
    /// Why not, in words.
    error_description: Option<String>,
}

/// Signs a browser in whose person comes back from the identity provider.
#[utoipa::path(get, path = "/api/callback", tag = "login", params(CallbackQuery), responses(
    (status = 303, description = "signed in; to where the person came from"),
    (status = 403, description = "not signed in, with the reason, as a page"),
    (status = 404, description = "there is no identity provider, as a page"),
    (status = 503, description = "the identity provider does not answer, as a page")))]
pub(crate) async fn callback(
    State(app): State<App>,
    headers: HeaderMap,
    Params(query): Params<CallbackQuery>,
) -> Response {
    match arrive(&app, &headers, query).await {
        Ok(response) => {
            metrics::login("right");
            response
        }
        Err(error) => told(error),
    }
}

/// A page that says why nobody is signed in.
pub(super) fn told(error: Error) -> Response {
    metrics::login("wrong");
    let message = error.to_string();
    let answer = error.into_response();
    let mut response = (answer.status(), page::failed(&message)).into_response();
    if let Some(told) = answer.extensions().get::<Told>() {
        response.extensions_mut().insert(told.clone());
    }
    response
}

pub(super) fn refused(why: impl Into<String>) -> Error {
    Error::NotSignedIn { why: why.into() }
}

async fn arrive(app: &App, headers: &HeaderMap, query: CallbackQuery) -> Result<Response> {
    let provider = app.provider.as_ref().ok_or(Error::NotFound { what: "path" })?;
    let begin_again = || refused("this sign-in was not begun here, or too long ago; begin again");
    let state = query.state.ok_or_else(begin_again)?;
    let sign_in = app.org.sign_in_take(&token::digest(&state), app.now()).await?;
    let sign_in = sign_in.ok_or_else(begin_again)?;
    let browser = Cookie::SignIn.read(app, headers).map(token::digest);
    if browser != Some(sign_in.browser_digest) {
        return Err(refused("this sign-in was begun in another browser; begin again in this one"));
    }
    if let Some(error) = query.error {
        let words = query.error_description.unwrap_or(error);
        return Err(refused(format!("the identity provider says: {words}")));
    }
    if query.iss.is_some_and(|issuer| !provider.is_called(&issuer)) {
        return Err(refused("another identity provider answered; begin again"));
    }
    let code = query.code.ok_or_else(begin_again)?;
    let person = provider.arrive(code, sign_in.pkce_verifier, sign_in.nonce).await?;
    let user = admitted(app, &person.identity).await?;
    let (session, cookie) = browser::sign_in(app, user.id).await?;
    if let Some(refresh_token) = &person.refresh_token {
        oidc::keep(app, session, refresh_token, person.expires_in).await;
    }
    let cookies = [cookie, Cookie::SignIn.clear(app)?];
    Ok(back(app, user, &sign_in.destination, cookies))
}

/// The user that somebody is, if they are let in.
pub(super) async fn admitted(app: &App, identity: &Identity) -> Result<User> {
    match app.org.user_sign_in(identity).await? {
        Ok(user) => Ok(user),
        Err(NotLetIn::Inactive) => Err(refused("you are not active here; ask an administrator")),
        Err(NotLetIn::AddressOfAnother) => {
            let email = &identity.email;
            Err(refused(format!("{email} is another user here; ask an administrator")))
        }
    }
}

/// Back to where the person came from, signed in.
pub(super) fn back(
    app: &App,
    user: User,
    destination: &str,
    cookies: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
) -> Response {
    app.nudge();
    let who = SignedIn(user.into());
    let mut response = (StatusCode::SEE_OTHER, Redirect::to(destination)).into_response();
    for (name, value) in cookies {
        response.headers_mut().append(name, value);
    }
    response.extensions_mut().insert(who);
    response
}
