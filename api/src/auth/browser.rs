//! Sessions of browsers: a cookie that no script can read, and that no other site's page can
//! use to change something.

use chrono::{DateTime, TimeDelta, Utc};
use hoop_domain::{Secret, TokenId, UserId};
use hoop_store::token::{Kind, NewToken};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

use super::{
    bearer::{self, Owner},
    token,
};
use crate::{App, Error, error::Result};

/// How long a browser stays signed in.
const SESSION: TimeDelta = TimeDelta::hours(12);

/// How long somebody may take at the identity provider.
pub(crate) const SIGN_IN: TimeDelta = TimeDelta::minutes(10);

/// What a cookie is for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cookie {
    /// Whose browser it is.
    Session,
    /// That this is the browser that was sent to the identity provider.
    SignIn,
    /// That this is the browser that brought the answer of a SAML provider.
    Bearer,
}

impl Cookie {
    /// With TLS, browsers promise that nobody else has set it: not a neighbour's page, and
    /// not one without TLS.
    fn name(self, app: &App) -> &'static str {
        match (self, is_secure(app)) {
            (Self::Session, true) => "__Host-hoop_session",
            (Self::Session, false) => "hoop_session",
            (Self::SignIn, true) => "__Host-hoop_sign_in",
            (Self::SignIn, false) => "hoop_sign_in",
            (Self::Bearer, true) => "__Host-hoop_saml_answer",
            (Self::Bearer, false) => "hoop_saml_answer",
        }
    }

    /// What the browser sent.
    pub(crate) fn read<'a>(self, app: &App, headers: &'a HeaderMap) -> Option<&'a str> {
        let name = self.name(app);
        let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|it| it.to_str().ok());
        cookies
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find_map(|(found, value)| (found == name).then_some(value))
    }

    /// Tells the browser to keep it.
    ///
    /// # Errors
    /// Never: the values are ours. The library's signature allows it.
    pub(crate) fn set(
        self,
        app: &App,
        value: &str,
        lasts: TimeDelta,
    ) -> Result<(HeaderName, HeaderValue)> {
        let secure = if is_secure(app) { "; Secure" } else { "" };
        let line = format!(
            "{}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={}{secure}",
            self.name(app),
            lasts.num_seconds()
        );
        let value = HeaderValue::from_str(&line).map_err(Error::internal)?;
        Ok((header::SET_COOKIE, value))
    }

    /// Tells the browser to forget it.
    ///
    /// # Errors
    /// Never, like [`Self::set`].
    pub(crate) fn clear(self, app: &App) -> Result<(HeaderName, HeaderValue)> {
        self.set(app, "", TimeDelta::zero())
    }
}

fn is_secure(app: &App) -> bool {
    app.config.public_url.as_ref().is_some_and(crate::config::PublicUrl::is_secure)
}

/// Signs a browser in as `user`.
///
/// # Errors
/// When the database is not available.
pub(crate) async fn sign_in(
    app: &App,
    user: UserId,
) -> Result<(TokenId, (HeaderName, HeaderValue))> {
    keep(app, user, None, None).await
}

/// The same, as long as the user's password is still the one of this hash.
///
/// # Errors
/// [`Error::NotFound`] when it is not.
pub(crate) async fn sign_in_with(
    app: &App,
    user: UserId,
    password: &Secret<String>,
) -> Result<(TokenId, (HeaderName, HeaderValue))> {
    keep(app, user, None, Some(password)).await
}

/// The same, but not for longer than until `latest`.
///
/// # Errors
/// When the database is not available.
pub(crate) async fn sign_in_until(
    app: &App,
    user: UserId,
    latest: Option<DateTime<Utc>>,
) -> Result<(TokenId, (HeaderName, HeaderValue))> {
    keep(app, user, latest, None).await
}

async fn keep(
    app: &App,
    user: UserId,
    latest: Option<DateTime<Utc>>,
    password: Option<&Secret<String>>,
) -> Result<(TokenId, (HeaderName, HeaderValue))> {
    let now = app.now();
    let lasts = latest.map_or(SESSION, |latest| SESSION.min(latest - now));
    let text = token::generate(token::Kind::Browser)?;
    let new = NewToken {
        user,
        kind: Kind::Browser,
        name: "browser",
        digest: token::digest(&text),
        expires_at: Some(now + lasts),
        parent: None,
        password,
    };
    let id = app.org.token_keep(&new).await?;
    Ok((id, Cookie::Session.set(app, &text, lasts)?))
}

/// Whose browser sent a request, if it is signed in.
///
/// # Errors
/// [`Error::ForeignPage`] when the request would change something, or opens a WebSocket, which
/// pages of other sites could read, and another site's page made the browser send it.
pub(super) async fn owner(
    app: &App,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Option<Owner>> {
    let Some(text) = Cookie::Session.read(app, headers) else { return Ok(None) };
    if !method.is_safe() || opens_socket(headers) {
        from_our_page(app, headers)?;
    }
    let kept = bearer::kept(app, text).await?;
    Ok(kept.filter(|(kind, _)| *kind == Kind::Browser).map(|(_, owner)| owner))
}

/// Whether a request asks for a WebSocket.
pub(crate) fn opens_socket(headers: &HeaderMap) -> bool {
    let upgrade = headers.get(header::UPGRADE).and_then(|value| value.to_str().ok());
    upgrade.is_some_and(|protocol| protocol.eq_ignore_ascii_case("websocket"))
}

/// Where everybody is let in without a cookie, a page is known by its origin, and must be ours;
/// programs have none.
///
/// # Errors
/// [`Error::ForeignPage`] when it is another site's.
pub(super) fn no_foreign_socket(app: &App, headers: &HeaderMap) -> Result<()> {
    let page = opens_socket(headers) && headers.contains_key(header::ORIGIN);
    if page { from_our_page(app, headers) } else { Ok(()) }
}

/// Whether one of our own pages sent a request: by what browsers say of it themselves, which
/// no page can change. A browser that says nothing is too old to be safe.
///
/// # Errors
/// [`Error::ForeignPage`] when not.
pub(crate) fn from_our_page(app: &App, headers: &HeaderMap) -> Result<()> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let ours = match (header("sec-fetch-site"), header("origin")) {
        // Of a WebSocket, browsers do not agree on its site; all of them tell its origin.
        (Some(site), _) if !opens_socket(headers) => site == "same-origin",
        (_, Some(origin)) => match &app.config.public_url {
            Some(public) => origin == public.origin(),
            None => origin.split_once("://").map(|(_, host)| host) == header("host"),
        },
        (_, None) => false,
    };
    if ours { Ok(()) } else { Err(Error::ForeignPage) }
}
