//! Logs: to stderr, because stdout belongs to the READY line and to data. And traces.

use tracing_subscriber::{
    EnvFilter, Layer, Registry, fmt, layer::SubscriberExt, util::SubscriberInitExt,
};

use crate::{
    config::{self, Env},
    trace::{self, Traces},
};

/// Begins to log, and to export traces when the environment says where to.
pub(crate) fn init(env: &Env, name: &'static str) -> Result<Option<Traces>, config::Error> {
    init_from(env, name, "info,async_nats=warn")
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
    let _ = tracing_subscriber::registry().with(layers(lines, spans)).try_init();
    Ok(traces)
}

type Layers = Box<dyn Layer<Registry> + Send + Sync>;

/// Those that there are. A `None` among them would hide how little the others want, and then
/// every span of h2 is made and thrown away, several for each packet.
fn layers(lines: Layers, spans: Option<Layers>) -> Vec<Layers> {
    std::iter::once(lines).chain(spans).collect()
}

/// Spans are for traces: each log line names its session itself. As a directive and not as a
/// filter beside this one, which would hide the highest level, too.
fn filter(directives: &str) -> Result<EnvFilter, config::Error> {
    let directives = format!("{directives},{}=off", trace::TARGET);
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
        let subscriber = tracing_subscriber::registry().with(layers(lines(), None));
        assert_eq!(subscriber.max_level_hint(), Some(LevelFilter::INFO));
        let env = Env::from_pairs([("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")]).unwrap();
        let traces = trace::exporter(&env, "tests").unwrap().unwrap();
        let spans = trace::layer(&traces).boxed();
        let subscriber = tracing_subscriber::registry().with(layers(lines(), Some(spans)));
        assert_eq!(subscriber.max_level_hint(), Some(LevelFilter::INFO));
    }
}
