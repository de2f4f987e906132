//! A person agrees in a browser, on this machine or another one, and the token comes here.
//!
//! Nothing secret is in a URL: the page shows the code that is shown here, too, and the token
//! is given to who knows what the challenge was made of.

use std::{
    io::Write,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result};
use aws_lc_rs::{
    digest::{SHA256, digest},
    rand,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::landing::Landing;
use crate::{
    api::{Api, Error},
    output, spinner,
};

pub(super) async fn sign_in(api: &Api, open: bool) -> Result<String> {
    let mut secret = [0; 32];
    rand::fill(&mut secret).map_err(|_| anyhow::anyhow!("this system has no randomness"))?;
    // Where nobody can look, a browser would only hide the address.
    let landing = if open && can_open() { Landing::begin().await.ok() } else { None };
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, &secret));
    let port = landing.as_ref().map(Landing::port);
    let path = ["login", "device", "begin"];
    let begun = api.post(&path, &json!({ "challenge": challenge, "port": port })).await?;
    let url = output::field(&begun, "verification_uri_complete");
    let (code, device) = (output::field(&begun, "user_code"), output::field(&begun, "device_code"));
    let number = |name| begun.get(name).and_then(Value::as_u64);
    let lasts = Duration::from_secs(number("expires_in").unwrap_or(600));
    let interval = Duration::from_secs(number("interval").unwrap_or(2).clamp(1, 30));
    let opened = landing.is_some() && open_browser(&url);
    let verb = if opened { "If no browser opens, open" } else { "Open" };
    let mut stderr = std::io::stderr().lock();
    writeln!(stderr, "{verb} {url}\nand check that it shows the code {code}")?;
    drop(stderr);
    let verifier = URL_SAFE_NO_PAD.encode(secret);
    let body = json!({ "device_code": device, "verifier": verifier });
    let waiting = wait(api, &body, landing, interval, Instant::now() + lasts);
    spinner::during("waiting for the browser", waiting).await
}

/// Asks until somebody has answered in the browser: from time to time, and when the browser
/// comes by.
async fn wait(
    api: &Api,
    body: &Value,
    landing: Option<Landing>,
    interval: Duration,
    deadline: Instant,
) -> Result<String> {
    while Instant::now() < deadline {
        match &landing {
            Some(landing) => {
                tokio::select! {
                    () = landing.visited() => {}
                    () = sleep(interval) => {}
                }
            }
            None => sleep(interval).await,
        }
        let answer = match api.post(&["login", "device", "token"], body).await {
            Ok(answer) => answer,
            // A gateway that is started again meanwhile knows what it was asked.
            Err(error) if error.may_pass() => continue,
            Err(Error::NotFound { .. }) => break,
            Err(error) => return Err(error.into()),
        };
        if answer.get("status").and_then(Value::as_str) == Some("pending") {
            continue;
        }
        let token = answer.get("token").and_then(Value::as_str);
        return Ok(token.context("the gateway's answer has no token")?.to_owned());
    }
    anyhow::bail!("nobody signed in at the page in time; run `hoop login` again")
}

/// Whether a browser would be seen by the person at the keyboard.
fn can_open() -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if set("SSH_CONNECTION") {
        return false;
    }
    cfg!(target_os = "macos") || set("BROWSER") || set("DISPLAY") || set("WAYLAND_DISPLAY")
}

fn open_browser(url: &str) -> bool {
    let usual = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let program = std::env::var_os("BROWSER").unwrap_or_else(|| usual.into());
    let mut command = Command::new(program);
    command.arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().is_ok()
}
