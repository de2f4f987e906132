//! A line for who was refused at an edge: they opened no session, and nothing of it was HTTP.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use hoop_domain::{DenialCode, OrgId};
use hoop_store::{
    audit_log::{Deed, Outcome, Who},
    credential::Credential,
    user::User,
};

use super::{finish, redact};
use crate::{App, error::chain};

/// Somebody who was refused at an edge.
#[derive(Debug)]
pub(crate) struct Denied<'a> {
    /// The user and their organisation, where they have proved who they are.
    pub(crate) known: Option<(OrgId, Who)>,
    /// The user name that they gave, where that is all: the line says whose it is.
    pub(crate) login: &'a str,
    /// What they asked for: `connections` or `agents`.
    pub(crate) resource: &'static str,
    /// Its name; empty where they had not said it yet.
    pub(crate) name: &'a str,
    /// What they would have done with it.
    pub(crate) action: &'static str,
    /// Why not.
    pub(crate) code: DenialCode,
    /// The same, as they were told.
    pub(crate) reason: &'a str,
    /// From where, with or without a port.
    pub(crate) address: &'a str,
}

/// The user of a line.
pub(crate) fn who(user: &User) -> Who {
    Who {
        id: Some(user.id),
        subject: user.id.to_string(),
        email: user.email.clone(),
        name: user.name.clone(),
    }
}

/// The owner of a credential, unless they are gone.
///
/// # Errors
/// When the database is not available.
pub(crate) async fn owner(app: &App, credential: &Credential) -> hoop_store::Result<Option<User>> {
    match app.store.org(credential.org).principal_fetch(credential.user).await {
        Ok(user) => Ok(Some(user)),
        Err(hoop_store::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whose credential was tried. Who tried it proved nothing, so there is no user's id.
async fn tried(app: &App, login: &str) -> (OrgId, Who) {
    let claimed = redact::login(login).unwrap_or_default();
    match owner_of(app, &claimed.subject).await {
        Ok(Some((org, owner))) => (org, Who { email: owner.email, name: owner.name, ..claimed }),
        Ok(None) => (app.org.id(), claimed),
        Err(cause) => {
            tracing::error!(
                cause = chain(&cause),
                "a refusal does not say whose credential it was"
            );
            (app.org.id(), claimed)
        }
    }
}

/// The owner of the credential with this user name, which is empty where there can be none.
async fn owner_of(app: &App, username: &str) -> hoop_store::Result<Option<(OrgId, User)>> {
    if username.is_empty() {
        return Ok(None);
    }
    let Some(credential) = app.store.credential_by_username(username).await? else {
        return Ok(None);
    };
    Ok(owner(app, &credential).await?.map(|owner| (credential.org, owner)))
}

impl Denied<'_> {
    /// Writes it down, unless too much of that was written already. They have their answer, so
    /// nobody waits for this.
    pub(crate) async fn write(self, app: &App) {
        let address = ip(self.address);
        let known = self.known.as_ref().and_then(|(_, who)| who.id);
        let source = address.unwrap_or(Ipv4Addr::UNSPECIFIED.into());
        if app.limits.denied(known, source).is_err() {
            return;
        }
        let client = address.map_or_else(|| "-".to_owned(), |address| address.to_string());
        let path = redact::named(self.resource, self.name);
        let (org, who) = match self.known {
            Some(known) => known,
            None => tried(app, self.login).await,
        };
        let deed = Deed {
            who: &who,
            method: "",
            path: &path,
            resource: self.resource,
            action: self.action,
            client: &client,
            payload: None,
        };
        let org = app.store.org(org);
        match org.audit_begin(&deed).await {
            Ok(line) => {
                let status = status(self.code);
                let outcome = Outcome { status, error: self.reason, who: None, at: app.now() };
                finish(&org, line, &outcome).await;
            }
            Err(cause) => tracing::error!(cause = chain(&cause), "a refusal is in no audit log"),
        }
    }
}

/// What it would be over HTTP.
const fn status(code: DenialCode) -> u16 {
    match code {
        DenialCode::Unauthenticated | DenialCode::CredentialExpired => 401,
        _ => 403,
    }
}

/// An address, with or without a port.
pub(crate) fn ip(address: &str) -> Option<IpAddr> {
    let with_port = address.parse::<SocketAddr>().map(|address| address.ip());
    with_port.or_else(|_| address.parse()).ok().map(|address| address.to_canonical())
}
