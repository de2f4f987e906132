//! What has to be there before the first request: an organisation and somebody to sign in.

use std::io::Write;

use hoop_domain::{Role, Secret};
use hoop_store::{OrgStore, user::UserSpec};

use crate::{
    App,
    auth::{Actor, password, token},
};

/// The one organisation that this process serves.
pub(crate) const ORG: &str = "default";

/// The first user's address when nobody says another.
const FIRST: &str = "admin@localhost";

/// Whom everybody is with `PROFILE=dev`.
const DEVELOPER: &str = "dev@localhost";

/// The user who stands for everybody, and a loud warning.
pub(crate) async fn developer(org: &OrgStore) -> anyhow::Result<Actor> {
    tracing::warn!(
        "PROFILE=dev: nobody is authenticated and everybody is the administrator {DEVELOPER}; \
         do not keep anything here that matters"
    );
    let spec = administrator(DEVELOPER, None)?;
    match org.user_create(&spec).await {
        Ok(user) => Ok(user.into()),
        // Another process was faster, or it is there since the last time.
        Err(hoop_store::Error::Conflict { .. }) => Ok(org.user_fetch(DEVELOPER).await?.into()),
        Err(error) => Err(error.into()),
    }
}

/// Makes the first user when there is none, with the password of `ADMIN_PASSWORD` or a
/// made-up one that is printed once and kept nowhere.
pub(crate) async fn first_user(app: &App) -> anyhow::Result<()> {
    if app.everybody.is_some() || !app.org.user_list_is_empty().await? {
        return Ok(());
    }
    let given = app.config.admin_email.as_deref();
    if app.has_provider() {
        return match given {
            Some(email) => administered(app, email).await,
            // Whoever comes first from the identity provider.
            None => Ok(()),
        };
    }
    let email = given.unwrap_or(FIRST);
    let (text, made_up) = match &app.config.admin_password {
        Some(given) => (given.reveal().clone(), false),
        None => (token::password()?, true),
    };
    password::check("password", &text)
        .map_err(|error| anyhow::anyhow!("ADMIN_PASSWORD is malformed: {error}"))?;
    let hash = password::hash(app, Secret::new(text.clone())).await?;
    match app.org.user_create(&administrator(email, Some(hash))?).await {
        Ok(_) if made_up => {
            let mut stdout = std::io::stdout().lock();
            writeln!(stdout, "the first user is {email} with the password {text}")?;
        }
        Ok(_) => tracing::info!(%email, "made the first user, with the password of ADMIN_PASSWORD"),
        // Another process was faster and has printed its own.
        Err(hoop_store::Error::Conflict { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// Makes an administrator who signs in at the identity provider, by this address.
async fn administered(app: &App, email: &str) -> anyhow::Result<()> {
    match app.org.user_create(&administrator(email, None)?).await {
        Ok(_) => tracing::info!(%email, "made the first user, who signs in at the provider"),
        // Another process was faster.
        Err(hoop_store::Error::Conflict { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

fn administrator(email: &str, password_hash: Option<Secret<String>>) -> anyhow::Result<UserSpec> {
    Ok(UserSpec {
        email: email.to_lowercase(),
        name: "Administrator".into(),
        active: true,
        groups: vec![Role::ADMIN_GROUP.parse()?],
        password_hash,
    })
}
