//! Secrets that are somewhere else: looked up when a session opens, for that session alone.
//!
//! What was found never leaves the agent, and is not kept for the next session: a secret that
//! is changed at its provider is the changed one for whoever connects next.

mod aws;
mod environment;
mod http;
mod vault;

use std::{collections::BTreeMap, time::Duration};

use hoop_domain::{
    Reference, Secret,
    reference::{InvalidReference, Provider},
};
use hoop_runtime::{Env, config};
use serde_json::Value;

use crate::secrets::Secrets;

/// How long all that a session needs may take. A person waits.
const LIMIT: Duration = Duration::from_secs(10);

/// The parts of a secret, by name.
type Parts = serde_json::Map<String, Value>;

/// Where secrets can be looked up, as the environment says.
#[derive(Debug, Default)]
pub struct Providers {
    environment: environment::Environment,
    vault: Option<vault::Vault>,
    aws: aws::SecretsManager,
}

/// A secret that could not be had, with where it should be. What is there is not said.
#[derive(Debug, thiserror::Error)]
#[error("the secret {name} could not be had from {provider} ({reference}): {why}")]
pub(crate) struct Error {
    name: String,
    provider: Provider,
    reference: Reference,
    #[source]
    why: Why,
}

/// What went wrong at a provider.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Why {
    /// A setting of the agent is missing.
    #[error("the agent has no {0}")]
    NotSetUp(&'static str),
    /// Nobody answers, or not in time.
    #[error("{at} can't be reached from the agent")]
    Unreachable { at: String, source: Option<reqwest::Error> },
    /// It knows the agent and lets it not, or does not know it.
    #[error("it refuses the agent ({0})")]
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

/// A secret that begins like a reference, or could not be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unresolved {
    /// It is no reference.
    #[error("the secret {name}: {source}")]
    Malformed { name: String, source: InvalidReference },
    /// It could not be had.
    #[error(transparent)]
    NotHad(#[from] Box<Error>),
}

impl Unresolved {
    /// What is behind it and not in its sentence.
    pub(crate) fn cause(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Malformed { .. } => None,
            Self::NotHad(error) => std::error::Error::source(&error.why),
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
            aws: aws::SecretsManager::from_env(env),
        })
    }

    /// The same secrets, with what references lead to in their place.
    pub(crate) async fn resolve(&self, secrets: Secrets) -> Result<Secrets, Unresolved> {
        let mut references = Vec::new();
        for (name, value) in secrets.all() {
            let read = Reference::read(value);
            let malformed = |source| Unresolved::Malformed { name: name.to_owned(), source };
            if let Some(reference) = read.map_err(malformed)? {
                references.push((name.to_owned(), reference));
            }
        }
        if references.is_empty() {
            return Ok(secrets);
        }
        let deadline = tokio::time::Instant::now() + LIMIT;
        let mut resolved = secrets;
        // Several parts of one secret are one question.
        let mut known = BTreeMap::new();
        for (name, reference) in references {
            let found = tokio::time::timeout_at(deadline, self.part(&reference, &mut known)).await;
            let late = |_| Why::Unreachable { at: reference.provider().to_string(), source: None };
            match found.map_err(late).and_then(|found| found) {
                Ok(value) => resolved.replace(&name, value),
                Err(why) => {
                    let provider = reference.provider();
                    return Err(Box::new(Error { name, provider, reference, why }).into());
                }
            }
        }
        Ok(resolved)
    }

    async fn part(
        &self,
        reference: &Reference,
        known: &mut BTreeMap<(Provider, String), Parts>,
    ) -> Result<Secret<String>, Why> {
        let place = (reference.provider(), reference.place().to_owned());
        if !known.contains_key(&place) {
            let parts = self.parts(reference).await?;
            known.insert(place.clone(), parts);
        }
        let parts = known.get(&place).ok_or(Why::NoSecret)?;
        match parts.get(reference.key()) {
            None | Some(Value::Null) => Err(Why::NoKey),
            Some(Value::String(text)) => Ok(Secret::new(text.clone())),
            Some(Value::Number(number)) => Ok(Secret::new(number.to_string())),
            Some(Value::Bool(yes)) => Ok(Secret::new(yes.to_string())),
            Some(_) => Err(Why::Unusable("what is under that key is neither text nor a number")),
        }
    }

    async fn parts(&self, reference: &Reference) -> Result<Parts, Why> {
        let place = reference.place();
        let vault = || self.vault.as_ref().ok_or(Why::NotSetUp("VAULT_ADDR"));
        match reference.provider() {
            Provider::EnvJson => self.environment.read(place),
            Provider::Aws => self.aws.read(place).await,
            Provider::VaultKv1 => vault()?.read(place).await,
            Provider::VaultKv2 => vault()?.read_versioned(place).await,
        }
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
