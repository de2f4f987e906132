//! Secrets that are somewhere else: looked up when a session opens, for that session alone.
//!
//! What was found never leaves the agent, and is not kept for the next session: a secret that
//! is changed at its provider is the changed one for whoever connects next.

use std::{collections::BTreeMap, time::Duration};

use hoop_domain::{
    Reference, Secret,
    reference::{InvalidReference, Provider},
};
pub use hoop_providers::Providers;
use hoop_providers::{Parts, Why};
use serde_json::Value;

use crate::secrets::Secrets;

/// How long all that a session needs may take. A person waits.
const LIMIT: Duration = Duration::from_secs(10);

/// A secret that could not be had, with where it should be. What is there is not said.
#[derive(Debug, thiserror::Error)]
#[error("the secret {name} could not be had from {provider} ({reference}): {}", why.told_of("the agent"))]
pub(crate) struct Error {
    name: String,
    provider: Provider,
    reference: Reference,
    #[source]
    why: Why,
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

/// The same secrets, with what references lead to in their place.
pub(crate) async fn resolve(
    providers: &Providers,
    secrets: Secrets,
) -> Result<Secrets, Unresolved> {
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
        let part = part(providers, &reference, &mut known);
        let late = |_| Why::Unreachable { at: reference.provider().to_string(), source: None };
        let found = tokio::time::timeout_at(deadline, part).await;
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
    providers: &Providers,
    reference: &Reference,
    known: &mut BTreeMap<(Provider, String), Parts>,
) -> Result<Secret<String>, Why> {
    let place = (reference.provider(), reference.place().to_owned());
    if !known.contains_key(&place) {
        let parts = providers.parts(reference).await?;
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
