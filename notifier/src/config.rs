//! What the notifier is told by its environment.

use std::sync::Arc;

use hoop_bus::Bus;
use hoop_domain::Secret;
use hoop_runtime::{Env, config};
use hoop_store::{Store, notification::ChannelKey};
use tokio::sync::Notify;

use crate::{
    Error, Service, Shared, channel,
    defaults::{self, DefaultChannel},
    delivery::Pace,
};

/// Everything a notifier needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// The state store; contains a password.
    pub postgres_uri: Secret<String>,
    /// The broker.
    pub nats_url: String,
    /// Opens the secrets of channels.
    pub key: ChannelKey,
    /// The channels that the environment sets up.
    pub defaults: Vec<DefaultChannel>,
    /// How often and how long deliveries are tried.
    pub pace: Pace,
}

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    /// When a variable is missing or malformed.
    pub fn from_env(env: &Env) -> Result<Self, config::Error> {
        let mut pace = Pace::default();
        pace.patience = env.duration("NOTIFY_TIMEOUT", pace.patience)?;
        pace.first_pause = env.duration("NOTIFY_FIRST_PAUSE", pace.first_pause)?;
        Ok(Self {
            postgres_uri: Secret::new(env.postgres_uri()?),
            nats_url: env.required("NATS_URL")?,
            key: key(env)?,
            defaults: defaults::from_env(env)?,
            pace,
        })
    }

    /// Connects to the database and the broker.
    ///
    /// # Errors
    /// When one of them is not available.
    pub async fn build(self) -> Result<Service, Error> {
        let client = channel::client(self.pace.patience)?;
        let store = Store::connect(self.postgres_uri.reveal()).await?;
        store.migrate().await?;
        let bus = Bus::connect(&self.nats_url, "hoop-notifier").await?;
        bus.ensure_streams().await?;
        let shared = Shared {
            store,
            key: self.key,
            defaults: self.defaults,
            client,
            pace: self.pace,
            wake: Notify::new(),
        };
        Ok(Service { bus, shared: Arc::new(shared) })
    }
}

/// The key that `api` encrypts the secrets of channels with. Without one, only the channels of
/// the environment work, and the delivery log says why the others do not.
fn key(env: &Env) -> Result<ChannelKey, config::Error> {
    let malformed = |name: &str, why: String| config::Error::Malformed { name: name.into(), why };
    for name in ["NOTIFY_SECRETS_KEY", "SECRETS_KEY"] {
        if let Some(text) = env.secret(name)? {
            let key = ChannelKey::from_base64(&text);
            return key.map_err(|error| malformed(name, error.to_string()));
        }
    }
    ChannelKey::for_development().map_err(|error| malformed("SECRETS_KEY", error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(more: &[(&str, &str)]) -> Result<Config, config::Error> {
        let needed = [("NATS_URL", "nats://x"), ("POSTGRES_DB_URI", "postgres://x/y")];
        Config::from_env(&Env::from_pairs(needed.iter().chain(more).copied()).unwrap())
    }

    const URL: &str = "NOTIFY_WEBHOOK_URL";
    const SECRET: &str = "NOTIFY_WEBHOOK_SECRET";

    #[test]
    fn the_environment_sets_up_channels_or_none() {
        assert!(config(&[]).unwrap().defaults.is_empty());
        let url = (URL, "https://example.com/hook");
        assert!(config(&[url]).is_err());
        let secret = (SECRET, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let bell = [("MAGIC_BELL_API_KEY", "k"), ("MAGIC_BELL_API_SECRET", "s")];
        let all = [url, secret, bell[0], bell[1], ("SMTP_HOST", "mail.example.com")];
        assert_eq!(config(&all).unwrap().defaults.len(), 3);
        assert!(config(&bell[..1]).is_err());
        let metrics = config(&[("SEGMENT_KEY", "k")]).unwrap().defaults;
        assert_eq!(format!("{metrics:?}"), "[DefaultChannel(segment)]");
        assert!(metrics.iter().all(|channel| channel.everything));
    }

    #[test]
    fn what_is_wrong_is_named_and_what_may_be_secret_is_not_repeated() {
        let pairs = [(URL, "ftp://example.com/token"), (SECRET, "whsec_hunter2!")];
        let error = config(&pairs).unwrap_err().to_string();
        assert!(error.contains(URL) && !error.contains("token"), "{error}");
        let error = config(&[(URL, "https://x"), pairs[1]]).unwrap_err().to_string();
        assert!(error.contains(SECRET) && !error.contains("hunter2"), "{error}");
        for wrong in ["hunter2:x", "hunter2 "] {
            let error = config(&[("SEGMENT_KEY", wrong)]).unwrap_err().to_string();
            assert!(error.contains("SEGMENT_KEY") && !error.contains("hunter2"), "{error}");
        }
        let host = ("SMTP_HOST", "mail.example.com");
        for (name, value) in [("SMTP_PORT", "many"), ("SMTP_TLS", "maybe"), ("SMTP_FROM", "nobody")]
        {
            let error = config(&[host, (name, value)]).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
        let error = config(&[("SECRETS_KEY", "hunter2")]).unwrap_err().to_string();
        assert!(error.contains("SECRETS_KEY") && !error.contains("hunter2"), "{error}");
    }
}
