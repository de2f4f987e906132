//! Logs: to stderr, because stdout belongs to the READY line and to data. And traces, and what
//! of the log is reported.

use tracing_subscriber::{
    EnvFilter, Layer, Registry, fmt, layer::SubscriberExt, util::SubscriberInitExt,
};

use crate::{
    config::{self, Env},
    reports,
    trace::{self, Traces},
};

/// What the library that takes profiles says of each of them, and of each that is not sent. A
/// filter that names it shows it all the same.
const QUIET: &str = "pyroscope=off,Pyroscope=off";

/// Begins to log, and to export traces when the environment says where to. Errors are reported
/// once that has begun.
pub(crate) fn init(env: &Env, name: &'static str) -> Result<Option<Traces>, config::Error> {
    init_from(env, name, "info,async_nats=warn", Some(reports::layer().boxed()))
}

/// Whether `LOG_GRPC=1` asks for what passes over HTTP/2 and gRPC.
pub(crate) fn shows_grpc(env: &Env) -> Result<bool, config::Error> {
    env.only("LOG_GRPC", "1")
}

/// The same, with what is logged when `RUST_LOG` says nothing.
pub(crate) fn init_from(
    env: &Env,
    name: &'static str,
    usual: &str,
    reports: Option<Layers>,
) -> Result<Option<Traces>, config::Error> {
    let mut directives = env.text("RUST_LOG").unwrap_or_else(|| usual.into());
    if shows_grpc(env)? {
        directives.push_str(",h2=debug,hyper=debug,tonic=debug");
    }
    let filter = filter(&directives)?;
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
    let spans = traces.as_ref().map(|traces| trace::layer(traces).boxed());
    // A second process in the same address space, as in tests, keeps the first's subscriber.
    let _ = tracing_subscriber::registry().with(layers(lines, [spans, reports])).try_init();
    Ok(traces)
}

pub(crate) type Layers = Box<dyn Layer<Registry> + Send + Sync>;

/// Those that there are. A `None` among them would hide how little the others want, and then
/// every span of h2 is made and thrown away, several for each packet.
fn layers(lines: Layers, others: [Option<Layers>; 2]) -> Vec<Layers> {
    std::iter::once(lines).chain(others.into_iter().flatten()).collect()
}

/// Spans are for traces: each log line names its session itself. As a directive and not as a
/// filter beside this one, which would hide the highest level, too.
fn filter(directives: &str) -> Result<EnvFilter, config::Error> {
    let directives = format!("{QUIET},{directives},{}=off", trace::TARGET);
    EnvFilter::try_new(directives).map_err(|cause| config::Error::Malformed {
        name: "RUST_LOG".into(),
        why: cause.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use tracing::Subscriber;
    use tracing_subscriber::filter::LevelFilter;

    use super::*;

    /// What nobody wants costs one comparison only if this is so.
    #[test]
    fn what_is_below_the_level_of_the_log_is_not_even_looked_at() {
        let lines = || fmt::layer().with_filter(filter("info,async_nats=warn").unwrap()).boxed();
        let subscriber = tracing_subscriber::registry().with(layers(lines(), [None, None]));
        assert_eq!(subscriber.max_level_hint(), Some(LevelFilter::INFO));
        let env = Env::from_pairs([("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")]).unwrap();
        let traces = trace::exporter(&env, "tests").unwrap().unwrap();
        let spans = Some(trace::layer(&traces).boxed());
        let errors = Some(reports::layer().boxed());
        let subscriber = tracing_subscriber::registry().with(layers(lines(), [spans, errors]));
        assert_eq!(subscriber.max_level_hint(), Some(LevelFilter::INFO));
    }

    #[test]
    fn the_profiler_is_heard_only_where_the_filter_names_it() {
        let lines = |directives: &str| filter(directives).unwrap().to_string();
        assert!(lines("debug").contains("Pyroscope=off"), "{}", lines("debug"));
        let named = lines("debug,Pyroscope=info");
        assert!(named.contains("Pyroscope=info") && !named.contains("Pyroscope=off"), "{named}");
    }
}
