//! Logs: to stderr, because stdout belongs to the READY line and to data. And traces.

use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt, filter_fn},
    fmt,
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::{
    config::{self, Env},
    trace::{self, Traces},
};

/// Begins to log, and to export traces when the environment says where to.
pub(crate) fn init(env: &Env, name: &'static str) -> Result<Option<Traces>, config::Error> {
    let mut directives = env.text("RUST_LOG").unwrap_or_else(|| "info,async_nats=warn".into());
    if env.text("LOG_GRPC").as_deref() == Some("1") {
        directives.push_str(",h2=debug,hyper=debug,tonic=debug");
    }
    let filter = EnvFilter::try_new(&directives).map_err(|cause| config::Error::Malformed {
        name: "RUST_LOG".into(),
        why: cause.to_string(),
    })?;
    // Spans are for traces: each log line names its session itself.
    let filter = filter.and(filter_fn(|what| what.target() != trace::TARGET));
    let lines = match env.text("LOG_FORMAT").as_deref() {
        Some("json") => {
            fmt::layer().json().with_writer(std::io::stderr).with_filter(filter).boxed()
        }
        None | Some("text") => {
            let ansi = std::io::IsTerminal::is_terminal(&std::io::stderr());
            let lines = fmt::layer().with_ansi(ansi).with_writer(std::io::stderr);
            lines.with_filter(filter).boxed()
        }
        Some(other) => {
            return Err(config::Error::Malformed {
                name: "LOG_FORMAT".into(),
                why: format!("{other:?} is neither json nor text"),
            });
        }
    };
    let traces = trace::exporter(env, name)?;
    let spans = traces.as_ref().map(trace::layer);
    // A second process in the same address space, as in tests, keeps the first's subscriber.
    let _ = tracing_subscriber::registry().with(lines).with(spans).try_init();
    Ok(traces)
}
