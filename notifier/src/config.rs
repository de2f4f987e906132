//! What the notifier is told by its environment.

use std::sync::Arc;

use hoop_bus::Bus;
use hoop_runtime::{Env, config};
use reqwest::Url;

use crate::{
    Error, Service,
    channel::{
        Channel,
        webhook::{Secret, Webhook},
    },
    delivery::Pace,
};

const URL: &str = "NOTIFY_WEBHOOK_URL";
const SECRET: &str = "NOTIFY_WEBHOOK_SECRET";

/// Everything a notifier needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// The broker.
    pub nats_url: String,
    /// Where events are posted, and what signs them.
    pub webhook: Option<(Url, Secret)>,
    /// How often and how long deliveries are tried.
    pub pace: Pace,
}

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    /// When a variable is missing or malformed.
    pub fn from_env(env: &Env) -> Result<Self, config::Error> {
        let webhook = match env.text(URL) {
            None => None,
            // An unsigned webhook is one that anybody can forge.
            Some(url) => Some((read_url(&url)?, read_secret(&env.required(SECRET)?)?)),
        };
        Ok(Self { nats_url: env.required("NATS_URL")?, webhook, pace: Pace::default() })
    }

    /// Connects to the broker.
    ///
    /// # Errors
    /// When it is not available.
    pub async fn build(self) -> Result<Service, Error> {
        let channel = match self.webhook {
            Some((url, secret)) => Channel::Webhook(Box::new(Webhook::new(url, secret)?)),
            None => Channel::Log,
        };
        let bus = Bus::connect(&self.nats_url, "hoop-notifier").await?;
        bus.ensure_streams().await?;
        Ok(Service { bus, channel: Arc::new(channel), pace: self.pace })
    }
}

/// The value may hold a token, so the error does not repeat it.
fn read_url(text: &str) -> Result<Url, config::Error> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    url.ok_or_else(|| config::Error::Malformed {
        name: URL.into(),
        why: "expected a URL that begins with https:// or http://".into(),
    })
}

fn read_secret(text: &str) -> Result<Secret, config::Error> {
    text.parse()
        .map_err(|error| config::Error::Malformed { name: SECRET.into(), why: format!("{error}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(more: &[(&str, &str)]) -> Result<Config, config::Error> {
        let needed = [("NATS_URL", "nats://x")];
        Config::from_env(&Env::from_pairs(needed.iter().chain(more).copied()).unwrap())
    }

    #[test]
    fn a_webhook_needs_a_secret_and_nothing_needs_a_webhook() {
        assert!(config(&[]).unwrap().webhook.is_none());
        let url = (URL, "https://example.com/hook");
        assert!(config(&[url]).is_err());
        let secret = (SECRET, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        assert!(config(&[url, secret]).unwrap().webhook.is_some());
    }

    #[test]
    fn errors_do_not_repeat_what_may_be_secret() {
        let pairs = [(URL, "ftp://example.com/token"), (SECRET, "whsec_hunter2!")];
        let error = config(&pairs).unwrap_err().to_string();
        assert!(error.contains(URL) && !error.contains("token"), "{error}");
        let error = config(&[(URL, "https://x"), pairs[1]]).unwrap_err().to_string();
        assert!(error.contains(SECRET) && !error.contains("hunter2"), "{error}");
    }
}
