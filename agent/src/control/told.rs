//! Says what changed, once: a gateway that is down for an hour is one line, not a hundred.

use std::error::Error as _;

use hoop_client::{Error, GatewayUrl};

use super::invalid_key;

/// What was said last.
#[derive(Debug, Default)]
pub(super) struct Told(Option<String>);

impl Told {
    pub(super) fn connected(&mut self, gateway: &GatewayUrl) {
        self.0 = None;
        tracing::info!(%gateway, "connected");
    }

    pub(super) fn lost(&mut self, error: &Error) {
        let said = error.to_string();
        if self.0.as_ref() == Some(&said) {
            return;
        }
        if invalid_key(error) {
            tracing::error!(
                "the gateway refuses this agent's key: {said}; \
                 create a new key with `hoop admin create agent NAME` and restart with it"
            );
        } else {
            let cause = innermost(error);
            tracing::warn!(cause, "not connected, trying again until it works: {said}");
        }
        self.0 = Some(said);
    }
}

/// What lies at the bottom of an error: tonic's own layers say only "transport error".
fn innermost(error: &Error) -> Option<String> {
    let mut cause = error.source()?;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    Some(cause.to_string())
}
