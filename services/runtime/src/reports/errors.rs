//! Errors and panics, to Sentry: what the log says at the level ERROR, and no more.
//!
//! They wait for a thread of their own in a queue of 30, and what finds that full is dropped.
//! Sentry may be slow or gone without anybody here noticing.

use std::{
    panic,
    str::FromStr,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use sentry::{
    Client, ClientOptions, Transport, TransportFactory, TransportOptions,
    protocol::Event,
    transports::ReqwestHttpTransportOptions,
    types::{Dsn, ParseDsnError},
};
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, filter_fn},
    layer::Context,
    registry::LookupSpan,
};

use super::{LAST, budget::Budget, event};

/// What this version is called at Sentry.
const RELEASE: &str = concat!("hoop@", env!("CARGO_PKG_VERSION"));

/// Reports a minute of one process. Whoever reads them needs no more to see what is wrong.
const A_MINUTE: u32 = 30;

/// How long Sentry may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where this process reports to, once it does. Log and panics are the whole process's, too.
static SENTRY: OnceLock<Errors> = OnceLock::new();

/// A project at Sentry, with the key to it.
#[derive(Clone)]
pub(super) struct SentryDsn {
    text: String,
    dsn: Dsn,
}

/// What is wrong with a DSN, without a word of it.
#[derive(Debug, thiserror::Error)]
#[error("it does not have the form https://KEY@HOST/PROJECT: {0}")]
pub(super) struct InvalidDsn(ParseDsnError);

impl SentryDsn {
    pub(super) fn text(&self) -> String {
        self.text.clone()
    }
}

impl FromStr for SentryDsn {
    type Err = InvalidDsn;

    fn from_str(text: &str) -> Result<Self, InvalidDsn> {
        Ok(Self { dsn: text.parse().map_err(InvalidDsn)?, text: text.to_owned() })
    }
}

/// Reports of one process.
pub(super) struct Errors {
    client: Client,
    process: &'static str,
    budget: Budget,
}

impl Errors {
    pub(super) fn new(dsn: &SentryDsn, process: &'static str) -> Result<Self, reqwest::Error> {
        // Sentry's own client has no time limit, and panics where there are no authorities.
        let http = reqwest::Client::builder()
            .timeout(PATIENCE)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let mut options =
            ClientOptions::new().release(RELEASE).max_breadcrumbs(0).transport(Sender(http));
        options.dsn = Some(dsn.dsn.clone());
        let budget = Budget::new(A_MINUTE, Instant::now());
        Ok(Self { client: Client::with_options(options), process, budget })
    }

    /// Sends what `make` makes, unless too much was sent this minute.
    pub(super) fn report(&self, make: impl FnOnce() -> Event<'static>) {
        if self.budget.take(Instant::now()) {
            let mut event = make();
            event.tags.insert("process".to_owned(), self.process.to_owned());
            self.client.capture_event(event, None);
        }
    }

    /// Sends what is left.
    pub(super) fn close(&self) {
        self.client.close(Some(LAST));
    }
}

/// Makes the thread that sends.
struct Sender(reqwest::Client);

impl TransportFactory for Sender {
    fn create_transport_with_options(&self, options: TransportOptions) -> Arc<dyn Transport> {
        let options = ReqwestHttpTransportOptions::from(options);
        Arc::new(options.with_client(self.0.clone()).build())
    }
}

/// Begins, unless it has begun already.
pub(super) fn begin(dsn: &SentryDsn, process: &'static str) {
    if SENTRY.get().is_some() {
        return;
    }
    match Errors::new(dsn, process) {
        Ok(errors) => {
            if let (Ok(()), Some(errors)) = (SENTRY.set(errors), SENTRY.get()) {
                watch_panics(errors);
            }
        }
        Err(cause) => tracing::warn!(%cause, "nothing is reported to Sentry: it can't be called"),
    }
}

/// Ends, when what is left is sent. That may take for ever: the queue can be full, and the
/// thread in the middle of a request.
pub(super) fn end() {
    if let Some(errors) = SENTRY.get() {
        errors.close();
    }
}

pub(super) fn watch_panics(errors: &'static Errors) {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        usual(panic);
        errors.report(|| event::of_panic(panic));
    }));
}

/// What hears the errors of the log. Until reports begin, it lets them pass.
pub(crate) fn layer<S>() -> impl Layer<S> + Send + Sync + 'static
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    layer_to(&SENTRY)
}

pub(super) fn layer_to<S>(
    sentry: &'static OnceLock<Errors>,
) -> impl Layer<S> + Send + Sync + 'static
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let filter = filter_fn(is_wanted).with_max_level_hint(LevelFilter::ERROR);
    Layer::<S>::with_filter(ToSentry(sentry), filter)
}

/// That profiles can't be sent is no fault of this process.
fn is_wanted(what: &Metadata<'_>) -> bool {
    let from = what.target();
    let profiles = from.starts_with("pyroscope") || from.starts_with("Pyroscope");
    what.is_event() && *what.level() == Level::ERROR && !profiles
}

struct ToSentry(&'static OnceLock<Errors>);

impl<S: Subscriber> Layer<S> for ToSentry {
    fn on_event(&self, line: &tracing::Event<'_>, _: Context<'_, S>) {
        if let Some(errors) = self.0.get() {
            errors.report(|| event::of_line(line));
        }
    }
}
