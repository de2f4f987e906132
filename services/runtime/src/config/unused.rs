//! Variables that a gateway may have in its environment because documents name them, and that
//! this version does nothing with. They stop no process, and each that is set is logged.

/// Each with what it is for elsewhere. The guide lists the same.
pub(super) const UNUSED: &[(&str, &str)] = &[
    unused("AGENT_SENTRY_DSN", "reports of an agent's errors"),
    unused("GOOGLE_APPLICATION_CREDENTIALS_JSON", "masking with Google DLP"),
    unused("PLUGIN_REGISTRY_URL", "a registry of plugins"),
    unused("PYROSCOPE_AUTH_TOKEN", "the token for PYROSCOPE_INGEST_URL"),
    unused("PYROSCOPE_INGEST_URL", "continuous profiling"),
    unused("SENTRY_DSN", "reports of a gateway's errors"),
];

pub(super) fn has(name: &str) -> bool {
    UNUSED.iter().any(|(unused, _)| *unused == name)
}

const fn unused(name: &'static str, purpose: &'static str) -> (&'static str, &'static str) {
    (name, purpose)
}
