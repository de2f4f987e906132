//! Services that keep secrets or keys for us: Vault, AWS, and the environment of a process.
//!
//! Agents look up [secrets](Providers::parts) when a session opens; api and notifier have the
//! keys that encrypt at rest [unwrapped](kms) when they start.

mod aws;
mod environment;
mod http;
pub mod kms;
mod vault;

use hoop_domain::{Reference, reference::Provider};
use hoop_runtime::{Env, config};
use serde_json::Value;

/// The parts of a secret, by name.
pub type Parts = serde_json::Map<String, Value>;

/// Where secrets can be looked up, as the environment says.
#[derive(Debug, Default)]
pub struct Providers {
    environment: environment::Environment,
    vault: Option<vault::Vault>,
    aws: aws::Aws,
}

/// What went wrong at a provider. What is stored there is not said.
#[derive(Debug, thiserror::Error)]
pub enum Why {
    /// A setting of this process is missing.
    #[error("there is no {0} here")]
    NotSetUp(&'static str),
    /// Nobody answers, or not in time.
    #[error("{at} can't be reached from here")]
    Unreachable {
        /// Who should.
        at: String,
        /// What the network says.
        source: Option<reqwest::Error>,
    },
    /// It knows who asks and lets them not, or does not know them.
    #[error("it refuses this process ({0})")]
    Refused(String),
    /// There is none of that name.
    #[error("there is no such secret")]
    NoSecret,
    /// It is there without this part.
    #[error("the secret has no key of that name")]
    NoKey,
    /// It is there and can't be used.
    #[error("{0}")]
    Unusable(&'static str),
}

impl Why {
    /// The sentence for people who know the process as `who`, such as `the agent`.
    #[must_use]
    pub fn told_of(&self, who: &str) -> String {
        match self {
            Self::NotSetUp(what) => format!("{who} has no {what}"),
            Self::Unreachable { at, .. } => format!("{at} can't be reached from {who}"),
            Self::Refused(why) => format!("it refuses {who} ({why})"),
            Self::NoSecret | Self::NoKey | Self::Unusable(_) => self.to_string(),
        }
    }
}

impl Providers {
    /// Reads where they are.
    ///
    /// # Errors
    /// When a setting makes no sense.
    pub fn from_env(env: &Env) -> Result<Self, config::Error> {
        Ok(Self {
            environment: environment::Environment::new(env),
            vault: vault::Vault::from_env(env)?,
            aws: aws::Aws::from_env(env),
        })
    }

    /// All parts of the secret that `reference` leads to.
    ///
    /// # Errors
    /// Why they can't be had.
    pub async fn parts(&self, reference: &Reference) -> Result<Parts, Why> {
        let place = reference.place();
        match reference.provider() {
            Provider::EnvJson => self.environment.read(place),
            Provider::Aws => self.aws.secret(place).await,
            Provider::VaultKv1 => self.vault()?.read(place).await,
            Provider::VaultKv2 => self.vault()?.read_versioned(place).await,
        }
    }

    fn vault(&self) -> Result<&vault::Vault, Why> {
        self.vault.as_ref().ok_or(Why::NotSetUp("VAULT_ADDR"))
    }
}

/// The parts of a secret that is stored as text.
fn parts_of(text: &str) -> Result<Parts, Why> {
    let parts: Result<Value, _> = serde_json::from_str(text);
    match parts {
        Ok(Value::Object(parts)) => Ok(parts),
        // What a parser says of a secret may repeat it.
        _ => Err(Why::Unusable("the secret is no JSON object with keys")),
    }
}
