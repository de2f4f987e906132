//! Keys that encrypt at rest, wrapped by a service that unwraps them when a process starts.
//!
//! The list of keys holds what the service made of each, so neither the environment nor a file
//! has a key that opens anything. Which service it is, `SECRETS_KMS` says.

use std::str::FromStr;

use hoop_domain::{Secret, keyring::KeyList};
use hoop_runtime::{Env, config};

use crate::{Providers, Why};

/// The lists of keys that may be wrapped.
const LISTS: [&str; 2] = ["SECRETS_KEY", "NOTIFY_SECRETS_KEY"];

const SETTING: &str = "SECRETS_KMS";

/// Who unwraps.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Service {
    /// The transit engine of a Vault, and its key.
    Vault { engine: String, key: String },
    /// AWS KMS, and the key that is to be used, where it is named.
    Aws { key: Option<String> },
}

/// Keys that could not be unwrapped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting makes no sense.
    #[error(transparent)]
    Setting(#[from] config::Error),
    /// The service does not do it.
    #[error("{list} could not be unwrapped, as SECRETS_KMS says it is")]
    NotUnwrapped {
        /// The variable.
        list: &'static str,
        /// Why.
        #[source]
        why: Why,
    },
}

/// The same environment, with keys in the place of wrapped ones.
///
/// # Errors
/// When a setting makes no sense, or a key is not unwrapped.
pub async fn unwrapped(env: Env) -> Result<Env, Error> {
    let Some(service) = env.explained::<Service>(SETTING)? else { return Ok(env) };
    let providers = Providers::from_env(&env)?;
    let mut env = env;
    for list in LISTS {
        let Some(text) = env.secret(list)? else { continue };
        let keys = providers.unwrap(&service, &text).await;
        let keys = keys.map_err(|why| Error::NotUnwrapped { list, why })?;
        env = env.with_secret(list, keys.reveal());
    }
    Ok(env)
}

impl Providers {
    async fn unwrap(&self, service: &Service, text: &str) -> Result<Secret<String>, Why> {
        let mut keys = Secret::new(String::new());
        for wrapped in KeyList::parts(text) {
            let key = match service {
                Service::Vault { engine, key } => {
                    self.vault()?.decrypt(engine, key, wrapped).await?
                }
                Service::Aws { key } => self.aws.decrypt(key.as_deref(), wrapped).await?,
            };
            keys = Secret::new(format!("{}{}\n", keys.reveal(), key.reveal()));
        }
        Ok(keys)
    }
}

impl FromStr for Service {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        const EXPECTED: &str = "expected vault:ENGINE/KEY (such as vault:transit/hoop), aws, or \
                                aws: and the key's id";
        let (service, rest) = text.split_once(':').unwrap_or((text, ""));
        match (service, rest.rsplit_once('/')) {
            ("vault", Some((engine, key))) if !engine.is_empty() && !key.is_empty() => {
                Ok(Self::Vault { engine: engine.to_owned(), key: key.to_owned() })
            }
            ("aws", _) => {
                Ok(Self::Aws { key: Some(rest.to_owned()).filter(|key| !key.is_empty()) })
            }
            _ => Err(EXPECTED),
        }
    }
}

#[cfg(test)]
mod tests;
