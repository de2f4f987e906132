//! Variables that a gateway may have in its environment because documents name them, and that
//! this version does nothing with. They stop no process, and each that is set is logged.

/// Each with what it is for elsewhere. The guide lists the same.
pub(super) const UNUSED: &[(&str, &str)] = &[
    unused("GOOGLE_APPLICATION_CREDENTIALS_JSON", "masking with Google DLP"),
    unused("PLUGIN_REGISTRY_URL", "a registry of plugins"),
];

pub(super) fn has(name: &str) -> bool {
    UNUSED.iter().any(|(unused, _)| *unused == name)
}

const fn unused(name: &'static str, purpose: &'static str) -> (&'static str, &'static str) {
    (name, purpose)
}
