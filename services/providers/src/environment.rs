//! Variables of this process's own environment that hold JSON objects.

use hoop_runtime::Env;

use super::{Parts, Why, parts_of};

/// A snapshot of the environment.
#[derive(Default)]
pub(super) struct Environment(Env);

impl Environment {
    pub(super) fn new(env: &Env) -> Self {
        Self(env.clone())
    }

    pub(super) fn read(&self, name: &str) -> Result<Parts, Why> {
        parts_of(&self.0.foreign(name).ok_or(Why::NoSecret)?)
    }
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Environment").finish_non_exhaustive()
    }
}
