//! The channels that the environment sets up: `SMTP_*`, `MAGIC_BELL_*`, `NOTIFY_WEBHOOK_*` and
//! `SEGMENT_KEY`.
//!
//! What they know stays in this process; the database has their names, for subscriptions.

use hoop_runtime::{Env, config};
use hoop_store::notification::{ChannelKind, Values};

use crate::channel::webhook::Secret;

const WEBHOOK_URL: &str = "NOTIFY_WEBHOOK_URL";
const WEBHOOK_SECRET: &str = "NOTIFY_WEBHOOK_SECRET";
const SEGMENT_KEY: &str = "SEGMENT_KEY";

/// A channel of the environment's.
#[derive(Clone)]
pub struct DefaultChannel {
    /// Its kind, which is also its name.
    pub kind: ChannelKind,
    /// Whether it gets all events until somebody says otherwise.
    pub everything: bool,
    pub(crate) settings: Values,
    pub(crate) secrets: Values,
}

impl std::fmt::Debug for DefaultChannel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DefaultChannel({})", self.kind)
    }
}

/// Reads the environment.
///
/// # Errors
/// When a variable is missing or malformed.
pub(crate) fn from_env(env: &Env) -> Result<Vec<DefaultChannel>, config::Error> {
    let all = [smtp(env)?, magic_bell(env)?, webhook(env)?, segment(env)?];
    Ok(all.into_iter().flatten().collect())
}

fn smtp(env: &Env) -> Result<Option<DefaultChannel>, config::Error> {
    let Some(host) = env.text("SMTP_HOST") else { return Ok(None) };
    let port: u16 = env.parsed("SMTP_PORT", 587)?;
    let user = env.text("SMTP_USER").unwrap_or_default();
    let from = match env.text("SMTP_FROM") {
        Some(from) => from,
        None if user.contains('@') => user.clone(),
        None => format!("hoop@{host}"),
    };
    if from.parse::<lettre::message::Mailbox>().is_err() {
        return Err(malformed("SMTP_FROM", "expected a mail address such as hoop@example.com"));
    }
    let mut settings =
        values(&[("host", host), ("port", port.to_string()), ("user", user), ("from", from)]);
    if let Some(tls) = env.text("SMTP_TLS") {
        if !["starttls", "implicit", "off"].contains(&tls.as_str()) {
            return Err(malformed("SMTP_TLS", "expected starttls, implicit or off"));
        }
        settings.insert("tls".into(), tls);
    }
    let secrets = values(&[("password", env.text("SMTP_PASS").unwrap_or_default())]);
    Ok(Some(DefaultChannel { kind: ChannelKind::Smtp, everything: false, settings, secrets }))
}

fn magic_bell(env: &Env) -> Result<Option<DefaultChannel>, config::Error> {
    let Some(key) = env.text("MAGIC_BELL_API_KEY") else { return Ok(None) };
    let secret = env.required("MAGIC_BELL_API_SECRET")?;
    let secrets = values(&[("api_key", key), ("api_secret", secret)]);
    let settings = Values::new();
    Ok(Some(DefaultChannel { kind: ChannelKind::MagicBell, everything: false, settings, secrets }))
}

fn webhook(env: &Env) -> Result<Option<DefaultChannel>, config::Error> {
    let Some(url) = env.text(WEBHOOK_URL) else { return Ok(None) };
    let parsed = reqwest::Url::parse(&url).ok();
    if !parsed.is_some_and(|url| matches!(url.scheme(), "http" | "https")) {
        // The value may hold a token, so the error does not repeat it.
        return Err(malformed(WEBHOOK_URL, "expected a URL that begins with https:// or http://"));
    }
    // An unsigned webhook is one that anybody can forge.
    let secret = env.required(WEBHOOK_SECRET)?;
    if let Err(error) = secret.parse::<Secret>() {
        return Err(malformed(WEBHOOK_SECRET, &error.to_string()));
    }
    let (settings, secrets) = (values(&[("url", url)]), values(&[("signing_secret", secret)]));
    Ok(Some(DefaultChannel { kind: ChannelKind::Webhook, everything: true, settings, secrets }))
}

fn segment(env: &Env) -> Result<Option<DefaultChannel>, config::Error> {
    let Some(key) = env.text(SEGMENT_KEY) else { return Ok(None) };
    // It is sent as the name of a user, which ends with a colon.
    if key.contains(|c: char| c == ':' || c.is_whitespace() || c.is_control()) {
        return Err(malformed(SEGMENT_KEY, "expected a write key, without spaces and colons"));
    }
    let (settings, secrets) = (Values::new(), values(&[("write_key", key)]));
    Ok(Some(DefaultChannel { kind: ChannelKind::Segment, everything: true, settings, secrets }))
}

fn values(pairs: &[(&str, String)]) -> Values {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

fn malformed(name: &str, why: &str) -> config::Error {
    config::Error::Malformed { name: name.into(), why: why.into() }
}
