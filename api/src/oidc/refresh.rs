//! Asking the provider again whether people are still there, and in which groups.
//!
//! Sessions of browsers end when it says no, and whatever was had through them. When it does
//! not answer, they go on until they end by themselves.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use hoop_domain::{GroupName, TokenId};
use hoop_runtime::Drain;
use hoop_store::sign_in::ProviderSession;
use openidconnect::{OAuth2TokenResponse, RefreshToken, TokenResponse};

use super::{Error, FRESH, Provider, client, person};
use crate::{
    App,
    error::chain,
    secrets::{Place, SecretMap},
};

/// How often it is looked who is due.
const ROUND: Duration = Duration::from_secs(1);

/// How soon somebody is asked about again when the provider did not answer.
const AGAIN: TimeDelta = TimeDelta::seconds(30);

/// The name of the only value that is kept encrypted.
const NAME: &str = "refresh_token";

/// What the provider says of somebody who is still there.
struct Refreshed {
    groups: Option<Vec<GroupName>>,
    refresh_token: Option<String>,
    expires_in: Option<Duration>,
}

/// When somebody is asked about again: a bit before what they have expires, and neither all
/// the time nor hardly ever.
fn due_after(expires_in: Option<Duration>) -> TimeDelta {
    let seconds = expires_in.map_or(300, |time| time.as_secs() * 4 / 5).clamp(1, 900);
    TimeDelta::seconds(i64::try_from(seconds).unwrap_or(300))
}

/// Asks, until the drain begins.
pub(crate) async fn run(app: App, drain: Drain) {
    loop {
        tokio::select! {
            () = drain.begun() => return,
            () = tokio::time::sleep(ROUND) => {}
        }
        let Some(provider) = &app.provider else { return };
        let now = app.now();
        match app.org.provider_session_claim(now, now + AGAIN).await {
            Ok(due) => {
                for session in due {
                    ask(&app, provider, session).await;
                }
            }
            Err(cause) => tracing::warn!(cause = chain(&cause), "nobody is asked about"),
        }
    }
}

async fn ask(app: &App, provider: &Provider, due: ProviderSession) {
    let Some(refresh_token) = opened(app, &due) else {
        return end(app, &due, "what was kept of it does not open").await;
    };
    match provider.refresh(&refresh_token, due.subject.as_deref()).await {
        Ok(refreshed) => {
            if let Some(groups) = &refreshed.groups
                && let Err(cause) = app.org.provider_groups_set(due.user, groups).await
            {
                tracing::warn!(cause = chain(&cause), user = %due.user, "groups stay as they were");
            }
            app.nudge();
            let next = refreshed.refresh_token.unwrap_or(refresh_token);
            keep(app, due.token, &next, refreshed.expires_in).await;
        }
        Err(Error::Refused) => end(app, &due, "the identity provider says no").await,
        Err(cause) => {
            tracing::warn!(cause = chain(&cause), user = %due.user, "asked about in vain");
        }
    }
}

async fn end(app: &App, due: &ProviderSession, why: &str) {
    tracing::info!(user = %due.user, why, "signed out");
    match app.org.token_delete(due.user, due.token).await {
        Ok(()) | Err(hoop_store::Error::NotFound { .. }) => app.nudge(),
        Err(cause) => tracing::warn!(cause = chain(&cause), user = %due.user, "not signed out"),
    }
}

/// Keeps what the provider is asked with. Without it nobody is asked, and that is said.
pub(crate) async fn keep(
    app: &App,
    token: TokenId,
    refresh_token: &str,
    expires_in: Option<Duration>,
) {
    let secret = SecretMap::from([(NAME.into(), refresh_token.into())]);
    let due_at = Utc::now() + due_after(expires_in);
    let kept = match app.secrets().encrypt_at(Place::RefreshToken(token), &secret) {
        Ok(sealed) => app.org.provider_session_keep(token, &sealed, due_at).await,
        Err(cause) => return tracing::error!(%cause, "a refresh token is not kept"),
    };
    if let Err(cause) = kept {
        tracing::warn!(cause = chain(&cause), "a refresh token is not kept");
    }
}

fn opened(app: &App, due: &ProviderSession) -> Option<String> {
    let place = Place::RefreshToken(due.token);
    let opened = app.secrets().decrypt_at(place, &due.refresh_token).ok()?;
    opened.get(NAME).cloned()
}

impl Provider {
    async fn refresh(
        &self,
        refresh_token: &str,
        subject: Option<&str>,
    ) -> Result<Refreshed, Error> {
        let metadata = self.metadata(FRESH).await?;
        let client = self.client(&metadata)?;
        let refresh_token = RefreshToken::new(refresh_token.into());
        let request = client.exchange_refresh_token(&refresh_token).map_err(super::untrusted)?;
        let tokens = request.request_async(&self.http).await.map_err(client::failed)?;
        let groups = match tokens.id_token() {
            Some(token) => {
                let claims = self.verified(token, None).await?;
                if subject != Some(claims.subject().as_str()) {
                    return Err(super::untrusted("it speaks of somebody else"));
                }
                match person::groups(claims.additional_claims(), &self.idp.groups_claim) {
                    Some(groups) => Some(groups),
                    None => {
                        let complete =
                            person::complete(self, &client, &claims, tokens.access_token());
                        complete.await?.groups
                    }
                }
            }
            None => None,
        };
        Ok(Refreshed {
            groups,
            refresh_token: tokens.refresh_token().map(|token| token.secret().clone()),
            expires_in: tokens.expires_in(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_asked_about_neither_all_the_time_nor_hardly_ever() {
        assert_eq!(due_after(None), TimeDelta::minutes(5));
        assert_eq!(due_after(Some(Duration::ZERO)), TimeDelta::seconds(1));
        assert_eq!(due_after(Some(Duration::from_secs(100))), TimeDelta::seconds(80));
        assert_eq!(due_after(Some(Duration::from_secs(86400))), TimeDelta::minutes(15));
    }
}
