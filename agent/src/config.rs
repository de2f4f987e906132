//! What the agent can be told: its key, and where secrets are that it is only told the place of.

use std::path::PathBuf;

use hoop_client::stream::Credentials;
use hoop_runtime::{Env, config::Error};

use crate::{Agent, Providers, key::HoopKey, sessions::Context, surroundings::Surroundings};

/// The agent's settings.
#[derive(Debug)]
pub struct Config {
    /// Who it is and where its gateway is.
    pub key: HoopKey,
    /// The program that ends what the agent leaves behind: this one, with `--guard`. Without
    /// it, commands may outlive an agent that is killed.
    pub guard: Option<PathBuf>,
    /// Where secrets go that have to be files; `None` for memory, where the system has some.
    pub private_files: Option<PathBuf>,
    /// Where secrets are looked up that are references.
    pub providers: Providers,
}

/// The key can't be used on this system.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// The name or the token can't be sent.
    #[error("the agent's name or key can't be sent")]
    Unsendable(#[from] hoop_client::Error),
    /// The cryptographic library refused.
    #[error("the key to open sealed credentials can't be derived")]
    Crypto,
}

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    /// When `HOOP_KEY` is missing or malformed, or another setting is. The error never repeats
    /// the key.
    pub fn from_env(env: &Env) -> Result<Self, Error> {
        let key = env.required("HOOP_KEY")?.trim().parse::<HoopKey>();
        let malformed = |why: crate::key::InvalidKey| Error::Malformed {
            name: "HOOP_KEY".into(),
            why: why.to_string(),
        };
        let (key, providers) = (key.map_err(malformed)?, Providers::from_env(env)?);
        Ok(Self { key, guard: None, private_files: None, providers })
    }

    /// Makes the agent, which does nothing before it is run.
    ///
    /// # Errors
    /// When the key can't be used on this system.
    pub fn build(self) -> Result<Agent, Unusable> {
        let Self { key, guard, private_files, providers } = self;
        let HoopKey { gateway, name, key, mode } = key;
        let credentials = Credentials::agent(name.as_str(), &key.token())?;
        let seal_key = key.seal_key().map_err(|_| Unusable::Crypto)?;
        let surroundings = Surroundings::new(mode, private_files, guard);
        let context = Context::new(credentials, seal_key, surroundings, providers);
        Ok(Agent::new(gateway, name, mode, context))
    }
}
