//! Where a process reports to: its errors to Sentry, its profiles to Pyroscope.
//!
//! Each process is told by its environment. What that of an agent leaves open, its gateway
//! hands it when it connects. Each of the two begins once: what comes later changes nothing.

mod budget;
mod errors;
mod event;
mod profiles;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use crate::config::{Env, Error};
use errors::SentryDsn;
pub(crate) use errors::layer;
use profiles::Ingest;

/// How long the last reports may take when the process ends.
const LAST: Duration = Duration::from_secs(2);

/// The process that has a variable of its own for Sentry.
const AGENT: &str = "hoop-agent";

const SENTRY_DSN: &str = "SENTRY_DSN";
const AGENT_SENTRY_DSN: &str = "AGENT_SENTRY_DSN";
const PYROSCOPE_INGEST_URL: &str = "PYROSCOPE_INGEST_URL";
const PYROSCOPE_AUTH_TOKEN: &str = "PYROSCOPE_AUTH_TOKEN";

/// Where to, found to be well-formed. There are keys in it, so it is never shown.
#[derive(Clone, Default)]
pub struct Reports {
    errors: Option<SentryDsn>,
    profiles: Option<Ingest>,
}

/// The same as texts, empty for nowhere: what a gateway hands its agents. No `Debug`, because
/// there are keys in it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Handed {
    /// As `AGENT_SENTRY_DSN`.
    pub sentry_dsn: String,
    /// As `PYROSCOPE_INGEST_URL`.
    pub pyroscope_url: String,
    /// As `PYROSCOPE_AUTH_TOKEN`.
    pub pyroscope_token: String,
}

impl Reports {
    /// Where the environment of `process` says that it reports to.
    ///
    /// # Errors
    /// With a sentence that names the variable and none of its value.
    pub(crate) fn of_process(env: &Env, process: &str) -> Result<Self, Error> {
        Self::read(env, if process == AGENT { AGENT_SENTRY_DSN } else { SENTRY_DSN })
    }

    /// Where the environment of a gateway says that its agents report to.
    ///
    /// # Errors
    /// See [`Self::of_process`].
    pub fn of_agents(env: &Env) -> Result<Self, Error> {
        Self::read(env, AGENT_SENTRY_DSN)
    }

    /// Where a gateway says, to its agent.
    ///
    /// # Errors
    /// See [`Self::of_process`]; the variable is the gateway's.
    pub fn from_handed(handed: Handed) -> Result<Self, Error> {
        Self::of_agents(&Env::from_pairs([
            (AGENT_SENTRY_DSN, handed.sentry_dsn),
            (PYROSCOPE_INGEST_URL, handed.pyroscope_url),
            (PYROSCOPE_AUTH_TOKEN, handed.pyroscope_token),
        ])?)
    }

    fn read(env: &Env, dsn: &str) -> Result<Self, Error> {
        Ok(Self { errors: env.explained(dsn)?, profiles: Ingest::from_env(env)? })
    }

    /// As texts, for an agent.
    #[must_use]
    pub fn to_hand(&self) -> Handed {
        let profiles = self.profiles.as_ref();
        Handed {
            sentry_dsn: self.errors.as_ref().map(SentryDsn::text).unwrap_or_default(),
            pyroscope_url: profiles.map(|ingest| ingest.url.clone()).unwrap_or_default(),
            pyroscope_token: profiles.and_then(|ingest| ingest.token.clone()).unwrap_or_default(),
        }
    }

    /// Begins to report, as far as nothing has begun before. What can't be begun is logged and
    /// keeps nobody from working. Reads files, so it takes a moment.
    pub fn begin(&self, process: &'static str) {
        let process = process.trim_start_matches("hoop-");
        if let Some(dsn) = &self.errors {
            errors::begin(dsn, process);
        }
        if let Some(ingest) = &self.profiles {
            profiles::begin(ingest, process);
        }
    }
}

impl fmt::Debug for Reports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reports")
            .field("errors", &self.errors.is_some())
            .field("profiles", &self.profiles.is_some())
            .finish()
    }
}

/// Dropping it sends what is left and ends all reports of the process.
#[derive(Debug)]
pub(crate) struct UntilTheEnd;

impl Drop for UntilTheEnd {
    fn drop(&mut self) {
        within(LAST, [errors::end, profiles::end]);
    }
}

/// Does both at the same time, and waits for no longer than `limit`: whoever takes reports may
/// be slow or gone, which is no reason to stay. What is not done by then ends with the process.
fn within(limit: Duration, works: [fn(); 2]) {
    let until = Instant::now() + limit;
    let (done, ended) = mpsc::channel();
    for work in works {
        let done = done.clone();
        let _ = thread::Builder::new().name("last reports".into()).spawn(move || {
            work();
            let _ = done.send(());
        });
    }
    drop(done);
    while ended.recv_timeout(until.saturating_duration_since(Instant::now())).is_ok() {}
}
