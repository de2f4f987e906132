//! What the agent can be told: its key, and nothing else.

use std::path::PathBuf;

use hoop_client::stream::Credentials;
use hoop_runtime::{Env, config::Error};

use crate::{Agent, key::HoopKey, surroundings::Surroundings};

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
    /// When `HOOP_KEY` is missing or malformed. The error never repeats the key.
    pub fn from_env(env: &Env) -> Result<Self, Error> {
        let key = env.required("HOOP_KEY")?.trim().parse::<HoopKey>();
        let malformed = |why: crate::key::InvalidKey| Error::Malformed {
            name: "HOOP_KEY".into(),
            why: why.to_string(),
        };
        Ok(Self { key: key.map_err(malformed)?, guard: None, private_files: None })
    }

    /// Makes the agent, which does nothing before it is run.
    ///
    /// # Errors
    /// When the key can't be used on this system.
    pub fn build(self) -> Result<Agent, Unusable> {
        let Self { key: HoopKey { gateway, name, key, mode }, guard, private_files } = self;
        let credentials = Credentials::agent(name.as_str(), &key.token())?;
        let seal_key = key.seal_key().map_err(|_| Unusable::Crypto)?;
        let surroundings = Surroundings::new(mode, private_files, guard);
        Ok(Agent::new(gateway, name, mode, credentials, seal_key, surroundings))
    }
}
