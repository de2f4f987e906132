//! What is reported and what is not, and what settings are refused.

use std::sync::OnceLock;

use anyhow::ensure;
use hoop_testkit::{Sentry, eventually, eventually_after};
use serde_json::{Value, json};
use tracing_subscriber::layer::SubscriberExt;

use super::{
    errors::{Errors, layer_to, watch_panics},
    *,
};

const KEY: &str = "s3cret";
const DSN: &str = "https://s3cret@sentry.example.com/1";

fn reports(pairs: &[(&str, &str)]) -> Result<Reports, String> {
    let env = Env::from_pairs(pairs.iter().copied()).unwrap();
    Reports::of_process(&env, "hoop-api").map_err(|error| error.to_string())
}

/// Reports to `sentry`, as those of the process `api` for as long as the test's process lives.
fn errors_to(sentry: &Sentry) -> &'static OnceLock<Errors> {
    crate::process::install_crypto();
    let errors = Errors::new(&sentry.dsn().parse().unwrap(), "api").unwrap();
    let cell: &'static OnceLock<Errors> = Box::leak(Box::default());
    assert!(cell.set(errors).is_ok());
    cell
}

#[test]
fn what_is_malformed_is_named_and_no_key_is_repeated() {
    let ingest = ("PYROSCOPE_INGEST_URL", "https://pyroscope.example.com");
    let refused: [(&str, &[(&str, &str)]); 11] = [
        ("SENTRY_DSN", &[("SENTRY_DSN", KEY)]),
        ("SENTRY_DSN", &[("SENTRY_DSN", "https://sentry.example.com/s3cret")]),
        ("SENTRY_DSN", &[("SENTRY_DSN", "https://s3cret@sentry.example.com")]),
        ("SENTRY_DSN", &[("SENTRY_DSN", "ftp://s3cret@sentry.example.com/1")]),
        ("PYROSCOPE_INGEST_URL", &[("PYROSCOPE_INGEST_URL", KEY)]),
        ("PYROSCOPE_INGEST_URL", &[("PYROSCOPE_INGEST_URL", "ftp://s3cret")]),
        ("PYROSCOPE_INGEST_URL", &[("PYROSCOPE_INGEST_URL", "https://h/?token=s3cret")]),
        ("PYROSCOPE_INGEST_URL", &[("PYROSCOPE_INGEST_URL", "https://me:s3cret@h")]),
        ("PYROSCOPE_INGEST_URL", &[("PYROSCOPE_INGEST_URL", "https://s3cret@h")]),
        ("PYROSCOPE_AUTH_TOKEN", &[("PYROSCOPE_AUTH_TOKEN", KEY)]),
        ("PYROSCOPE_AUTH_TOKEN", &[ingest, ("PYROSCOPE_AUTH_TOKEN", "s3cret\n")]),
    ];
    for (name, pairs) in refused {
        let error = reports(pairs).unwrap_err();
        assert!(error.starts_with(&format!("{name} is malformed: ")), "{pairs:?}: {error}");
        assert!(!error.contains(KEY), "{error}");
    }
    assert!(reports(&[]).is_ok() && reports(&[("AGENT_SENTRY_DSN", KEY)]).is_ok());
}

#[test]
fn what_an_agent_is_handed_is_what_the_gateway_was_told_and_is_never_shown() {
    let url = "https://123@pyroscope.example.com/base/";
    let env = Env::from_pairs([
        ("SENTRY_DSN", "https://other@sentry.example.com/2"),
        ("AGENT_SENTRY_DSN", DSN),
        ("PYROSCOPE_INGEST_URL", url),
        ("PYROSCOPE_AUTH_TOKEN", KEY),
    ]);
    let reports = Reports::of_agents(&env.unwrap()).unwrap();
    let handed = reports.to_hand();
    assert_eq!(handed.sentry_dsn, DSN);
    assert_eq!(handed.pyroscope_url, url);
    assert_eq!(handed.pyroscope_token, KEY);
    let agents = Reports::from_handed(handed.clone()).unwrap();
    assert!(agents.to_hand() == handed, "nothing is lost on the way");
    assert_eq!(format!("{agents:?}"), "Reports { errors: true, profiles: true }");
    let nothing = Reports::from_handed(Handed::default()).unwrap();
    assert!(nothing.to_hand() == Handed::default());
    assert_eq!(format!("{nothing:?}"), "Reports { errors: false, profiles: false }");
}

#[tokio::test]
async fn an_error_is_reported_with_its_cause_and_nothing_beside_it() {
    let sentry = hoop_testkit::sentry().await.unwrap();
    let subscriber = tracing_subscriber::registry().with(layer_to(errors_to(&sentry)));
    tracing::subscriber::with_default(subscriber, || {
        tracing::warn!("a warning");
        tracing::error!(target: "pyroscope::session", "profiles can't be sent");
        tracing::error!(cause = "the disk is full", count = 3, "the journal {} stays", "open");
    });
    let event = eventually("the event", async || sentry.event("api", "the journal open stays"));
    let event = event.await.unwrap();
    let extra = json!({ "cause": "the disk is full", "count": "3" });
    assert_eq!(event.get("extra"), Some(&extra));
    let release = format!("hoop@{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(event.get("release"), Some(&Value::String(release)));
    for absent in ["environment", "server_name", "user", "request", "breadcrumbs", "contexts"] {
        assert_eq!(event.get(absent), None, "{event}");
    }
    assert_eq!(sentry.events().len(), 1, "errors only, and none about profiles");
}

#[tokio::test]
async fn a_storm_of_errors_is_cut_short() {
    let sentry = hoop_testkit::sentry().await.unwrap();
    let errors = errors_to(&sentry);
    let subscriber = tracing_subscriber::registry().with(layer_to(errors));
    tracing::subscriber::with_default(subscriber, || {
        for _ in 0..10_000 {
            tracing::error!("again");
        }
    });
    tokio::task::spawn_blocking(move || errors.get().unwrap().close()).await.unwrap();
    let sent = sentry.events().len();
    assert!((1..=30).contains(&sent), "{sent}");
}

#[tokio::test]
async fn a_panic_is_reported_with_its_words_and_its_place() {
    let sentry = hoop_testkit::sentry().await.unwrap();
    watch_panics(errors_to(&sentry).get().unwrap());
    assert!(thread::spawn(|| panic!("out of luck")).join().is_err());
    eventually("the panic", async || {
        let events = sentry.events();
        let of_panic = |event: &&Value| {
            event.pointer("/exception/values/0/value").is_some_and(|words| words == "out of luck")
        };
        let event = events.iter().find(of_panic);
        ensure!(event.is_some(), "not in {events:?}");
        let text = |pointer| event.and_then(|event| event.pointer(pointer)).and_then(Value::as_str);
        ensure!(text("/level") == Some("fatal") && text("/tags/process") == Some("api"));
        ensure!(text("/extra/location").is_some_and(|place| place.contains("reports/tests.rs")));
        ensure!(text("/extra/backtrace").is_some_and(|trace| trace.contains("reports")));
        Ok(())
    })
    .await
    .unwrap();
}

/// One test, because there is one profiler in a process.
#[tokio::test]
async fn profiles_are_sent_with_the_token_and_the_first_who_takes_them_stays() {
    let (first, second) =
        (hoop_testkit::pyroscope().await.unwrap(), hoop_testkit::pyroscope().await.unwrap());
    crate::process::install_crypto();
    for to in [&first, &second] {
        let url = to.url();
        let pairs = [("PYROSCOPE_INGEST_URL", url.as_str()), ("PYROSCOPE_AUTH_TOKEN", KEY)];
        reports(&pairs).unwrap().begin("hoop-api");
    }
    let profile = eventually_after(2, "a profile", async || first.profile("api")).await.unwrap();
    assert_eq!(profile.authorization.as_deref(), Some("Bearer s3cret"));
    assert_eq!(profile.labels.get("service_name").map(String::as_str), Some("hoop"));
    let version = profile.labels.get("version").map(String::as_str);
    assert_eq!(version, Some(env!("CARGO_PKG_VERSION")));
    assert!(second.profile("api").is_err(), "it begins once");
}

#[test]
fn who_never_takes_the_last_report_is_not_waited_for() {
    fn for_ever() {
        loop {
            thread::park();
        }
    }
    within(Duration::from_millis(10), [for_ever, for_ever]);
}
