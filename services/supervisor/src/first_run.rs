//! What the first run leaves a person with: a login, and the key of a first agent.

use hoop_domain::Secret;
use hoop_runtime::Env;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tokio::time::Duration;

use crate::{Error, kept::Kept, say::say};

/// What the first agent is called.
const AGENT: &str = "default";

/// An API that was just started answers in no time, even while it hashes a password.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is told once.
#[derive(Debug)]
pub struct FirstRun {
    /// The administrator's address; nobody's with `PROFILE=dev`.
    pub email: Option<String>,
    /// The password; `None` when it was set by the person who started it.
    pub password: Option<Secret<String>>,
    /// What opens the API for the next hours.
    pub token: Option<Secret<String>>,
    /// `HOOP_KEY` for the first agent; `None` when there was one of that name.
    pub agent_key: Option<Secret<String>>,
}

/// Signs in to the API at `base` and makes an agent. `None` when there were users before.
pub(crate) async fn prepare(base: &str, env: &Env, kept: &Kept) -> Result<Option<FirstRun>, Error> {
    let client = Client::builder().no_proxy().timeout(PATIENCE).build().map_err(broken)?;
    let dev = env.dev_profile()?;
    let email = env.text("ADMIN_EMAIL").unwrap_or_else(|| "admin@localhost".into());
    let token = if dev { None } else { login(&client, base, &email, kept).await? };
    if token.is_none() && !dev {
        say("there are users already; sign in as one of them with `hoop login`");
        return Ok(None);
    }
    let mut request = client.post(format!("{base}/api/agents"));
    if let Some(token) = &token {
        request = request.bearer_auth(token.reveal());
    }
    let body = json!({"name": AGENT, "mode": "standard"});
    let answer = request.json(&body).send().await.map_err(broken)?;
    let agent_key = match answer.status() {
        StatusCode::CONFLICT => None,
        status if status.is_success() => Some(text(answer, "token").await?),
        status => return Err(Error::FirstRun { why: format!("the API answered {status}") }),
    };
    let set = env.text("ADMIN_PASSWORD").is_some();
    let password = if dev || set { None } else { Some(kept.admin_password.clone()) };
    Ok(Some(FirstRun { email: (!dev).then_some(email), password, token, agent_key }))
}

async fn login(
    client: &Client,
    base: &str,
    email: &str,
    kept: &Kept,
) -> Result<Option<Secret<String>>, Error> {
    let body = json!({"email": email, "password": kept.admin_password.reveal()});
    let request = client.post(format!("{base}/api/localauth/login")).json(&body);
    let answer = request.send().await.map_err(broken)?;
    match answer.status() {
        status if status.is_success() => Ok(Some(text(answer, "token").await?)),
        StatusCode::UNAUTHORIZED => Ok(None),
        status => Err(Error::FirstRun { why: format!("the login was answered {status}") }),
    }
}

async fn text(answer: reqwest::Response, name: &str) -> Result<Secret<String>, Error> {
    let body: Value = answer.json().await.map_err(broken)?;
    let found = body.get(name).and_then(Value::as_str).map(str::to_owned);
    found
        .map(Secret::new)
        .ok_or_else(|| Error::FirstRun { why: format!("no {name} in the answer") })
}

fn broken(error: reqwest::Error) -> Error {
    Error::FirstRun { why: error.without_url().to_string() }
}
