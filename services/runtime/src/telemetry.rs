//! Logs: to stderr, because stdout belongs to the READY line and to data.

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{self, Env};

pub(crate) fn init(env: &Env) -> Result<(), config::Error> {
    let mut directives = env.text("RUST_LOG").unwrap_or_else(|| "info,async_nats=warn".into());
    if env.text("LOG_GRPC").as_deref() == Some("1") {
        directives.push_str(",h2=debug,hyper=debug,tonic=debug");
    }
    let filter = EnvFilter::try_new(&directives).map_err(|cause| config::Error::Malformed {
        name: "RUST_LOG".into(),
        why: cause.to_string(),
    })?;
    let registry = tracing_subscriber::registry().with(filter);
    let outcome = match env.text("LOG_FORMAT").as_deref() {
        Some("json") => registry.with(fmt::layer().json().with_writer(std::io::stderr)).try_init(),
        None | Some("text") => {
            let ansi = std::io::IsTerminal::is_terminal(&std::io::stderr());
            registry.with(fmt::layer().with_ansi(ansi).with_writer(std::io::stderr)).try_init()
        }
        Some(other) => {
            return Err(config::Error::Malformed {
                name: "LOG_FORMAT".into(),
                why: format!("{other:?} is neither json nor text"),
            });
        }
    };
    // A second process in the same address space, as in tests, keeps the first's subscriber.
    let _ = outcome;
    Ok(())
}
