//! Bearer tokens to whoever they stand for: people's tokens, and API keys.

use hoop_domain::TokenId;
use hoop_store::token::TokenOwner;
use tokio::sync::Semaphore;

use super::token;
use crate::{App, error::chain};

/// How many uses are written down at once. One that finds no place is not written: a key that
/// is in use is used again.
static WRITING: Semaphore = Semaphore::const_new(2);

/// Whose token or API key this is, if it is a valid one.
///
/// # Errors
/// When the database is not available.
pub(crate) async fn owner(app: &App, text: &str) -> hoop_store::Result<Option<TokenOwner>> {
    let (digest, now) = (token::digest(text), app.now());
    if text.starts_with(token::API_KEY)
        && let Some(key) = app.store.api_key_owner(&digest, now).await?
    {
        if key.is_use_news(now) {
            used(app, key.owner.token);
        }
        return Ok(Some(key.owner));
    }
    // People's tokens once began as keys do now.
    app.store.token_owner(&digest, now).await
}

/// Writes down that a key is used. Nobody waits for it.
fn used(app: &App, key: TokenId) {
    let Ok(place) = WRITING.try_acquire() else { return };
    let (app, now) = (app.clone(), app.now());
    tokio::spawn(async move {
        let _place = place;
        if let Err(error) = app.store.api_key_used(key, now).await {
            tracing::warn!(%key, cause = chain(&error), "the use of an API key was not noted");
        }
    });
}
