//! Where the time of the processor goes, to Pyroscope: samples, sent every ten seconds.

use std::{
    collections::HashMap,
    sync::{Mutex, OnceLock, PoisonError},
};

use pyroscope::{
    backend::{BackendConfig, PprofConfig, pprof_backend},
    pyroscope::{PyroscopeAgent, PyroscopeAgentBuilder, PyroscopeAgentRunning},
};
use reqwest::Url;

use super::{PYROSCOPE_AUTH_TOKEN, PYROSCOPE_INGEST_URL};
use crate::config::{Env, Error};

/// Samples a second of processor time. Not 100, so as not to march in step with timers.
const RATE: u32 = 99;

const VERSION: &str = env!("CARGO_PKG_VERSION");

type Running = PyroscopeAgent<PyroscopeAgentRunning>;

/// The one profiler of this process, once it was begun; none when that was not possible.
static PYROSCOPE: OnceLock<Mutex<Option<Running>>> = OnceLock::new();

/// Who takes profiles.
#[derive(Clone)]
pub(super) struct Ingest {
    /// As it was given.
    pub(super) url: String,
    pub(super) token: Option<String>,
    /// The URL without the user, who is told in a header.
    bare: String,
    user: Option<String>,
}

impl Ingest {
    pub(super) fn from_env(env: &Env) -> Result<Option<Self>, Error> {
        let token = env.text(PYROSCOPE_AUTH_TOKEN);
        match env.text(PYROSCOPE_INGEST_URL) {
            Some(url) => Self::new(url, token).map(Some),
            None if token.is_none() => Ok(None),
            None => Err(malformed(
                PYROSCOPE_AUTH_TOKEN,
                "it is for PYROSCOPE_INGEST_URL, which is not set",
            )),
        }
    }

    fn new(text: String, token: Option<String>) -> Result<Self, Error> {
        const FORM: &str = "it does not have the form https://HOST or http://HOST:PORT";
        let wrong = |why| malformed(PYROSCOPE_INGEST_URL, why);
        let mut url = Url::parse(&text).map_err(|_| wrong(FORM))?;
        if !matches!(url.scheme(), "http" | "https") || url.query().is_some() {
            return Err(wrong(FORM));
        }
        if url.password().is_some() {
            return Err(wrong("a password in it belongs into PYROSCOPE_AUTH_TOKEN"));
        }
        let user = Some(url.username().to_owned()).filter(|user| !user.is_empty());
        if user.is_some() && token.is_none() {
            return Err(wrong("it names a user, whose password PYROSCOPE_AUTH_TOKEN has to be"));
        }
        if !token.iter().all(|token| token.bytes().all(|byte| byte.is_ascii_graphic())) {
            return Err(malformed(PYROSCOPE_AUTH_TOKEN, "it has characters that no token has"));
        }
        // Nothing else can fail: there is a host.
        let _ = url.set_username("");
        let bare = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { url: text, token, bare, user })
    }

    /// What is sent with each profile.
    fn authorize(&self, to: PyroscopeAgentBuilder) -> PyroscopeAgentBuilder {
        match (&self.user, &self.token) {
            (Some(user), Some(token)) => to.basic_auth(user, token),
            (None, Some(token)) => {
                let bearer = ("Authorization".to_owned(), format!("Bearer {token}"));
                to.http_headers(HashMap::from([bearer]))
            }
            (_, None) => to,
        }
    }
}

fn malformed(name: &str, why: &str) -> Error {
    Error::Malformed { name: name.into(), why: why.into() }
}

/// Begins, unless that was tried already.
pub(super) fn begin(ingest: &Ingest, process: &'static str) {
    let _ = PYROSCOPE.get_or_init(|| {
        let running = start(ingest, process);
        let running = running.inspect_err(|cause| tracing::warn!(%cause, "no profiles are taken"));
        Mutex::new(running.ok())
    });
}

fn start(ingest: &Ingest, process: &'static str) -> pyroscope::Result<Running> {
    let backend = pprof_backend(PprofConfig { sample_rate: RATE }, BackendConfig::default());
    let builder =
        PyroscopeAgentBuilder::new(&ingest.bare, "hoop", RATE, "pyroscope-rs", VERSION, backend);
    let tags = vec![("process", process), ("version", VERSION)];
    ingest.authorize(builder.tags(tags)).build()?.start()
}

/// Stops sampling, and hands the last profile to the thread that sends. Nobody waits for that
/// thread: it looks up every ten seconds only.
pub(super) fn end() {
    let Some(running) = PYROSCOPE.get() else { return };
    let running = running.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(Err(cause)) = running.map(Running::stop) {
        tracing::debug!(%cause, "the last profile is not sent");
    }
}
