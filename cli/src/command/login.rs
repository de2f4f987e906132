//! `hoop login`: signs in and remembers it.

mod browser;
mod landing;

use anyhow::{Context, Result, ensure};
use hoop_client::GatewayUrl;
use hoop_domain::Secret;
use hoop_runtime::Env;
use serde_json::{Value, json};

use crate::{
    api::{Api, Error},
    args::Login,
    output, prompt,
    settings::Settings,
};

pub(crate) async fn run(login: Login, env: &Env) -> Result<()> {
    let path = Settings::path()?;
    let stored = Settings::load(&path)?;
    let known = login.api_url.or_else(|| env.text("API_URL")).or_else(|| stored.api_url.clone());
    let api_url = known.context("no gateway is known; say which with --api-url URL")?;
    // Before the password is asked for: a URL that is wrong wastes no typing.
    if let Some(url) = &login.grpc_url {
        url.parse::<GatewayUrl>()?;
    }
    let token = match (login.token, login.email) {
        (Some(token), _) => token,
        (None, Some(email)) => sign_in(&Api::new(&api_url, None)?, &email, env).await?,
        (None, None) => browser::sign_in(&Api::new(&api_url, None)?, !login.no_browser).await?,
    };
    let user = Api::new(&api_url, Some(token.clone()))?.get(&["userinfo"], &()).await?;
    let grpc_url = login.grpc_url.or_else(|| stored.grpc_url.clone());
    let mut settings = stored.at(api_url, grpc_url);
    settings.token = Some(token);
    settings.store(&path)?;
    let (email, role) = (output::field(&user, "email"), output::field(&user, "role"));
    output::say(&format!("signed in as {email} ({role}); settings are in {}", path.display()));
    Ok(())
}

async fn sign_in(api: &Api, email: &str, env: &Env) -> Result<String> {
    let password = match env.text("HOOP_PASSWORD") {
        Some(password) => Secret::new(password),
        None => prompt::password(&format!("password of {email}")).context("read the password")?,
    };
    ensure!(!password.reveal().is_empty(), "no password was given");
    let mut body = json!({"email": email, "password": password.reveal()});
    let mut answer = api.post(&["login"], &body).await;
    if let Err(Error::CodeNeeded { .. }) = answer {
        let code = prompt::password("code of your authenticator").context("read the code")?;
        ensure!(!code.reveal().is_empty(), "no code was given");
        if let Some(fields) = body.as_object_mut() {
            fields.insert("code".into(), json!(code.reveal()));
        }
        answer = api.post(&["login"], &body).await;
    }
    let answer = answer.map_err(|error| match error {
        // "Sign in first" is no advice to somebody who does just that.
        Error::SignedOut { message } => Error::Refused { message },
        error => error,
    })?;
    let token = answer.get("token").and_then(Value::as_str);
    Ok(token.context("the gateway's answer has no token; is it of another version?")?.to_owned())
}
