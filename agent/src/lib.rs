//! Runs beside the targets, dials out, holds the credentials.
//!
//! One control stream to an edge brings offers of sessions; each is taken up by a task of
//! its own on a stream of its own, so nothing that happens to one touches another. Several
//! agents may share a key: nothing here assumes to be the only one.

pub mod config;
mod connector;

pub mod control;
pub mod guard;
pub mod host;
pub mod key;
mod metrics;
mod private_files;
mod providers;
mod secrets;
mod session;
mod sessions;
mod surroundings;
#[cfg(test)]
mod tests;

pub use config::Config;
pub use control::Agent;
pub use providers::Providers;

/// What `hoop-agent --help` prints.
pub const HELP: &str = "\
hoop-agent: relays sessions between a gateway and the targets beside it

It needs one variable:
  HOOP_KEY=<scheme>://<name>:<auth-key>@<host>:<port>?mode=standard|embedded
    scheme  grpcs or https for TLS, grpc or http without
    Make one with: hoop admin create agent NAME

A standard agent holds a stream to its gateway. An embedded one runs beside an
application, comes when a client waits for it, and gives its commands its own
environment and working folder.

It dials out only. With TLS the gateway's certificate is checked against the
system's authorities; SSL_CERT_FILE names others (PEM).

Logs go to stderr: RUST_LOG sets which (info), LOG_FORMAT=json|text how.
VAULT_ADDR, VAULT_TOKEN (or VAULT_APP_ROLE_ID and VAULT_APP_SECRET_ID), AWS_REGION and
AWS's usual credentials let secrets be references such as _vaultkv2:PATH:KEY.
METRICS_LISTEN=ADDRESS:PORT shows figures for Prometheus at /metrics (off).
OTEL_EXPORTER_OTLP_ENDPOINT=http://HOST:4317 sends traces to a collector.
AGENT_SENTRY_DSN=https://KEY@HOST/PROJECT reports errors to Sentry, PYROSCOPE_INGEST_URL
(with PYROSCOPE_AUTH_TOKEN) sends profiles; else both go where its gateway says.
SIGTERM lets sessions finish for 10 s; a second one does not.

Options:
  --help       prints this
  --version    prints the version
";
