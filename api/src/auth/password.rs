//! Passwords of local users: Argon2id, off the runtime's threads, a few at a time.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use hoop_domain::Secret;
use tokio::sync::Semaphore;

use crate::{App, Error, error::Result};

/// Longer ones are refused, so that hashing them costs nobody anything.
const LONGEST: usize = 256;
/// NIST SP 800-63B's least.
const SHORTEST: usize = 8;

/// What a password is compared with when there is no such user, so that the answer takes
/// as long. It is the hash of a password that nobody knows.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$aG9vcC1ub2JvZHktaGVyZQ$\
                      sJ5yv8CF7kYt2pXbE1VwUQ1Yy0m3mJxN2cT9gq4hDfk";

/// Hashing takes 20 MiB and tens of milliseconds; two at a time leave a core to others.
pub(crate) const AT_ONCE: usize = 2;

/// Who may hash at the moment, and how often that was done. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Hashing {
    turns: Arc<Semaphore>,
    done: Arc<AtomicU64>,
}

impl Hashing {
    pub(crate) fn new() -> Self {
        Self { turns: Arc::new(Semaphore::new(AT_ONCE)), done: Arc::default() }
    }

    /// How many more may hash now.
    pub(crate) fn free(&self) -> usize {
        self.turns.available_permits()
    }

    /// How many passwords were hashed, to be kept or to be compared.
    #[cfg(test)]
    pub(crate) fn done(&self) -> u64 {
        self.done.load(Ordering::SeqCst)
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let _turn = self.turns.acquire().await.map_err(Error::internal)?;
        self.done.fetch_add(1, Ordering::SeqCst);
        tokio::task::spawn_blocking(work).await.map_err(Error::internal)
    }
}

/// Refuses passwords that are too short or too long.
///
/// # Errors
/// With the field's name.
pub(crate) fn check(field: &str, password: &str) -> Result<()> {
    if password.len() < SHORTEST || LONGEST < password.len() {
        return Err(Error::invalid(field, format_args!("must have {SHORTEST} to {LONGEST} bytes")));
    }
    Ok(())
}

/// The hash of `password`, in PHC form.
///
/// # Errors
/// When the system has no randomness.
pub(crate) async fn hash(app: &App, password: Secret<String>) -> Result<Secret<String>> {
    let hashed = app.hashing.run(move || {
        let hash = Argon2::default().hash_password(password.reveal().as_bytes());
        hash.map(|hash| Secret::new(hash.to_string()))
    });
    hashed.await?.map_err(|error| Error::internal(error.to_string()))
}

/// Whether `password` is the one that `hash` was made of. `None` takes as long and is false.
///
/// # Errors
/// When the process is about to stop.
pub(crate) async fn verify(
    app: &App,
    password: Secret<String>,
    hash: Option<Secret<String>>,
) -> Result<bool> {
    if LONGEST < password.reveal().len() {
        return Ok(false);
    }
    let work = move || {
        let known = hash.is_some();
        let text = hash.as_ref().map_or(NOBODY, |hash| hash.reveal());
        let Ok(parsed) = PasswordHash::new(text) else { return false };
        let matches =
            Argon2::default().verify_password(password.reveal().as_bytes(), &parsed).is_ok();
        known && matches
    };
    app.hashing.run(work).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_nobody_is_one_and_costs_as_much_as_any() {
        let parsed = PasswordHash::new(NOBODY).unwrap();
        let real = Argon2::default().hash_password(b"password").unwrap();
        assert_eq!(parsed.params, real.params);
        assert_eq!(parsed.algorithm, real.algorithm);
    }

    #[test]
    fn passwords_have_a_length() {
        assert!(check("password", "1234567").is_err());
        assert!(check("password", "12345678").is_ok());
        assert!(check("password", &"x".repeat(257)).is_err());
    }
}
