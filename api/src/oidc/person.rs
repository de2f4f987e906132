//! Who somebody is, from the identity token and, where that is silent, from the user info.

use std::time::Duration;

use hoop_domain::GroupName;
use hoop_store::sign_in::Identity;
use openidconnect::{
    AccessToken, UserInfoClaims,
    core::{CoreGenderClaim, CoreProviderMetadata},
};
use serde_json::Value;

use super::{
    Error, Provider,
    client::{Claims, Client, Others},
};
use crate::auth::identity;

/// Somebody who came back.
pub(crate) struct Person {
    pub(crate) identity: Identity,
    /// What the provider is asked with whether they are still there.
    pub(crate) refresh_token: Option<String>,
    /// After how long it may be asked.
    pub(crate) expires_in: Option<Duration>,
}

/// Whether the provider says that it has this scope.
pub(super) fn offers(metadata: &CoreProviderMetadata, scope: &str) -> bool {
    metadata.scopes_supported().is_some_and(|scopes| scopes.iter().any(|it| it.as_str() == scope))
}

/// What is known of somebody so far.
#[derive(Default)]
struct Found {
    email: Option<String>,
    unverified: bool,
    name: Option<String>,
    groups: Option<Vec<GroupName>>,
}

pub(super) async fn complete(
    provider: &Provider,
    client: &Client,
    claims: &Claims,
    access_token: &AccessToken,
) -> Result<Identity, Error> {
    let claim = &provider.idp.groups_claim;
    let mut found = Found {
        email: claims.email().map(|email| email.to_string()),
        unverified: claims.email_verified() == Some(false),
        name: claims.name().and_then(|name| name.get(None)).map(|name| name.to_string()),
        groups: groups(claims.additional_claims(), claim),
    };
    if (found.email.is_none() || found.groups.is_none())
        && let Ok(request) = client.user_info(access_token.clone(), Some(claims.subject().clone()))
    {
        let info: UserInfoClaims<Others, CoreGenderClaim> = request
            .request_async(&provider.http)
            .await
            .map_err(|cause| Error::Unreachable(Box::new(cause)))?;
        if found.email.is_none() {
            found.email = info.email().map(|email| email.to_string());
            found.unverified = info.email_verified() == Some(false);
        }
        found.name = found
            .name
            .or_else(|| info.name().and_then(|name| name.get(None)).map(|name| name.to_string()));
        found.groups = found.groups.or_else(|| groups(info.additional_claims(), claim));
    }
    let email = found.email.ok_or(Error::Silent("the e-mail address (claim email)"))?;
    let email =
        identity::address(&email).ok_or(Error::Silent("a usable e-mail address (claim email)"))?;
    Ok(Identity {
        subject: claims.subject().to_string(),
        name: identity::shown(&found.name.unwrap_or_else(|| email.clone())),
        email,
        email_unverified: found.unverified,
        groups: found.groups,
    })
}

/// The groups in `claim`: names in an array, or one name. What can't be a group's name here
/// names no group here.
pub(super) fn groups(claims: &Others, claim: &str) -> Option<Vec<GroupName>> {
    match claims.all.get(claim)? {
        Value::String(one) => Some(one.parse().into_iter().collect()),
        Value::Array(names) => {
            Some(names.iter().filter_map(|name| name.as_str()?.parse().ok()).collect())
        }
        _ => Some(Vec::new()),
    }
}
