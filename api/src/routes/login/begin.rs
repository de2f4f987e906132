//! `GET /api/login`: where to sign in; and out again.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{page, saml};
use crate::{
    App, Error,
    auth::{
        Actor, With,
        browser::{Cookie, SIGN_IN},
        token,
    },
    error::{Problem, Result},
    extract::Params,
};
use hoop_store::sign_in::SignIn;

/// The longest path to go back to.
const LONGEST: usize = 1024;

/// Where to go afterwards.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct BeginQuery {
    /// A path of this gateway, to be shown after signing in; `/` when left out.
    pub(super) redirect: Option<String>,
}

/// Where to sign in.
#[derive(Serialize, ToSchema)]
pub(crate) struct LoginUrl {
    /// To be opened in the browser that asked.
    login_url: String,
}

/// Sends a browser to where people sign in: the identity provider, or a form. Who accepts no
/// HTML is told the URL.
#[utoipa::path(get, path = "/api/login", tag = "login", params(BeginQuery), responses(
    (status = 200, description = "a form, or where to sign in", body = LoginUrl),
    (status = 303, description = "to the identity provider"),
    (status = 422, body = Problem),
    (status = 503, description = "the identity provider does not answer", body = Problem)))]
pub(crate) async fn begin(
    State(app): State<App>,
    headers: HeaderMap,
    Params(query): Params<BeginQuery>,
) -> Result<Response> {
    let destination = destination(query.redirect)?;
    let person = accepts_html(&headers);
    if let Some(provider) = &app.saml {
        return saml::depart(&app, provider, person, destination).await;
    }
    let Some(provider) = &app.provider else {
        let form = page::sign_in(&destination, None);
        return Ok(if person { form.into_response() } else { local(&app, &destination) });
    };
    let departure = provider.depart().await?;
    // So that what comes back counts only in the browser that was sent.
    let browser = token::password()?;
    let sign_in = SignIn {
        browser_digest: token::digest(&browser),
        nonce: departure.nonce,
        pkce_verifier: departure.pkce_verifier,
        destination,
        expires_at: app.now() + SIGN_IN,
    };
    app.org.sign_in_begin(&token::digest(&departure.state), &sign_in).await?;
    sent(&app, &browser, departure.url, person)
}

/// Sends a browser away, and remembers in it that it is the one.
pub(super) fn sent(app: &App, browser: &str, url: String, person: bool) -> Result<Response> {
    let cookie = [Cookie::SignIn.set(app, browser, SIGN_IN)?];
    Ok(if person {
        (cookie, Redirect::to(&url)).into_response()
    } else {
        (cookie, Json(LoginUrl { login_url: url })).into_response()
    })
}

fn local(app: &App, destination: &str) -> Response {
    let path = format!("/api/login?redirect={}", page::encoded(destination));
    let login_url = app.config.public_url.as_ref().map_or(path.clone(), |public| public.at(&path));
    Json(LoginUrl { login_url }).into_response()
}

/// Signs out: the browser, or whatever sent the token.
#[utoipa::path(post, path = "/api/logout", tag = "login", responses((status = 204)))]
pub(crate) async fn end(
    State(app): State<App>,
    actor: Actor,
    With(token): With,
) -> Result<impl IntoResponse> {
    if let Some(token) = token {
        match app.org.token_delete(actor.id, token).await {
            Ok(()) | Err(hoop_store::Error::NotFound { .. }) => app.nudge(),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(([Cookie::Session.clear(&app)?], StatusCode::NO_CONTENT))
}

pub(super) fn accepts_html(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// A path of ours and of nobody else: browsers read `//host`, `/\host` and a tab between the
/// slashes as another host.
pub(super) fn destination(asked: Option<String>) -> Result<String> {
    let path = asked.unwrap_or_else(|| "/".into());
    let strange = |c: char| c.is_control() || c == '\\' || !c.is_ascii();
    let ours = path.starts_with('/') && !path.starts_with("//") && !path.contains(strange);
    if !ours || LONGEST < path.len() {
        return Err(Error::invalid(
            "redirect",
            "must be a path of this gateway, such as /sessions",
        ));
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_to_another_site_afterwards() {
        assert_eq!(destination(None).unwrap(), "/");
        assert_eq!(destination(Some("/a?b=c#d".into())).unwrap(), "/a?b=c#d");
        for evil in ["//evil", "https://evil", "/\\evil", "/\t/evil", "evil", "", "\\\\evil", "/é"]
        {
            assert!(destination(Some(evil.into())).is_err(), "{evil}");
        }
    }
}
