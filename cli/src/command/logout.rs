//! `hoop logout`: the gateway and this machine forget the token.

use anyhow::{Context as _, Result};
use serde_json::json;

use crate::{api::Error, context::Context, output, settings::Settings};

pub(crate) async fn run(context: &Context) -> Result<()> {
    if !context.has_token() {
        output::say("you were not signed in");
        return Ok(());
    }
    match context.api.post(&["logout"], &json!({})).await {
        // Signed out already is signed out.
        Ok(_) | Err(Error::SignedOut { .. }) => {}
        Err(error) => {
            return Err(error).context(
                "the token still works at the gateway; try again, or forget it here only with \
                 `hoop config set token`",
            );
        }
    }
    let path = Settings::path()?;
    let mut settings = Settings::load(&path)?;
    if settings.token.as_deref() == Some(context.token()) {
        settings.token = None;
        settings.store(&path)?;
        output::say(&format!("signed out; the token is gone from {}", path.display()));
    } else {
        output::say("signed out; the token in HOOP_TOKEN works no more");
    }
    Ok(())
}
