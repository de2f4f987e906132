//! Bearer tokens: ours, which are digests in the database, and the identity provider's for
//! programs, which are signed.

use chrono::{DateTime, Utc};
use hoop_domain::{OrgId, TokenId};
use hoop_store::{token::Kind, user::User};
use http::{HeaderMap, header};

use super::api_key;
use crate::{App, Error, error::Result, oidc};

/// Whose token it is.
pub(crate) struct Owner {
    /// `None` for what is not kept here.
    pub(crate) token: Option<TokenId>,
    pub(crate) org: OrgId,
    /// Who may be inactive.
    pub(crate) user: User,
    pub(crate) expires_at: Option<DateTime<Utc>>,
}

/// The token in these headers.
pub(crate) fn of(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whose token `text` is, if it is valid. A browser's is good as a cookie only: what a page's
/// script can't read, it can't send either.
///
/// # Errors
/// When that can't be found out.
pub(crate) async fn owner(app: &App, text: &str) -> Result<Option<Owner>> {
    if is_signed(text) {
        return signed(app, text).await;
    }
    Ok(kept(app, text).await?.filter(|(kind, _)| *kind != Kind::Browser).map(|(_, owner)| owner))
}

/// Whose token `text` is, if it is one of ours.
///
/// # Errors
/// When the database is not available.
pub(super) async fn kept(app: &App, text: &str) -> Result<Option<(Kind, Owner)>> {
    let owner = api_key::owner(app, text).await?;
    Ok(owner.map(|owner| {
        let (token, org, expires_at) = (Some(owner.token), owner.org, owner.expires_at);
        (owner.kind, Owner { token, org, user: owner.user, expires_at })
    }))
}

/// Three parts with dots between them, of which the first is JSON in base64.
fn is_signed(text: &str) -> bool {
    text.starts_with("eyJ") && text.split('.').count() == 3
}

async fn signed(app: &App, text: &str) -> Result<Option<Owner>> {
    let Some(provider) = &app.provider else { return Ok(None) };
    let (subject, expires_at) = match provider.program(text).await {
        Ok(found) => found,
        Err(oidc::Error::Unreachable(cause)) => return Err(Error::ProviderAway(cause)),
        Err(cause) => {
            tracing::info!(cause = crate::error::chain(&cause), "a program's token is refused");
            return Ok(None);
        }
    };
    let user = match app.org.user_by_subject(&subject).await? {
        Some(user) => Some(user),
        None => app.org.service_account_user(&subject).await?,
    };
    let (token, org, expires_at) = (None, app.org.id(), Some(expires_at));
    Ok(user.map(|user| Owner { token, org, user, expires_at }))
}
