//! Who asks: bearer tokens, cookies of browsers, passwords, and nobody at all with
//! `PROFILE=dev`.

pub(crate) mod api_key;
pub(crate) mod bearer;
pub(crate) mod browser;
pub(crate) mod guesses;
pub(crate) mod identity;
pub(crate) mod password;
pub(crate) mod token;
pub(crate) mod totp;

use std::{convert::Infallible, net::IpAddr};

use axum::{extract::FromRequestParts, http::request::Parts};
use hoop_domain::{GroupName, Role, TokenId, UserId};
use hoop_store::user::User;
use http::{Extensions, HeaderMap, HeaderValue, Method, header};

use crate::{
    App, Error,
    client::{self, Client},
    error::Result,
};

/// The user on whose behalf a request is handled.
#[derive(Debug, Clone)]
pub(crate) struct Actor {
    pub(crate) id: UserId,
    pub(crate) email: String,
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) groups: Vec<GroupName>,
}

impl Actor {
    /// Whose sessions the actor sees: everybody's, or only their own.
    pub(crate) fn sees_only(&self) -> Option<UserId> {
        (self.role < Role::Auditor).then_some(self.id)
    }
}

impl From<User> for Actor {
    fn from(user: User) -> Self {
        Self {
            role: user.role(),
            id: user.id,
            email: user.email,
            name: user.name,
            groups: user.groups,
        }
    }
}

/// The token that a request came with, for those who end it or pass it on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct With(pub(crate) Option<TokenId>);

/// The actor of a request with this method and these headers. A bearer token goes before a
/// cookie.
///
/// # Errors
/// [`Error::Unauthenticated`] when there is none, [`Error::ForeignPage`] when another site's
/// page sent it.
pub(crate) async fn actor(
    app: &App,
    method: &Method,
    headers: &HeaderMap,
) -> Result<(Actor, With)> {
    if let Some(everybody) = &app.everybody {
        browser::no_foreign_socket(app, headers)?;
        return Ok((Actor::clone(everybody), With(None)));
    }
    let owner = match bearer::of(headers) {
        Some(token) => bearer::owner(app, token).await?,
        None => browser::owner(app, method, headers).await?,
    };
    let owner = owner.ok_or(Error::Unauthenticated)?;
    // This API serves one organisation; a token of another one means nothing to it.
    if owner.org != app.org.id() || !owner.user.active {
        return Err(Error::Unauthenticated);
    }
    Ok((owner.user.into(), With(owner.token)))
}

/// What a request shows to be somebody's, right or wrong.
pub(crate) fn shown<'a>(app: &App, headers: &'a HeaderMap) -> Option<&'a [u8]> {
    let bearer = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
    bearer.or_else(|| browser::Cookie::Session.read(app, headers).map(str::as_bytes))
}

/// Handlers take the actor that the guard has put into the request. A public route has
/// none, so a handler that asks for one there is refused: fail closed.
impl<S: Send + Sync> FromRequestParts<S> for Actor {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        parts.extensions.get::<Self>().cloned().ok_or(Error::Unauthenticated)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for With {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().copied().unwrap_or(Self(None)))
    }
}

/// Where a request comes from, for counting; one address for all where a test calls without
/// a network.
pub(crate) struct Source(pub(crate) IpAddr);

impl<S: Send + Sync> FromRequestParts<S> for Source {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(client::source(&parts.extensions)))
    }
}

/// The client's address, or `-` where a test calls without a network.
#[derive(Debug)]
pub(crate) struct Peer(pub(crate) String);

impl Peer {
    pub(crate) fn of(extensions: &Extensions) -> Self {
        let address = extensions.get::<Client>().and_then(|client| client.address);
        Self(address.map_or_else(|| "-".into(), |address| address.to_string()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.extensions))
    }
}
