//! How long a request for access may wait.

use std::time::Duration;

use chrono::TimeDelta;
use hoop_runtime::{Env, config};

use super::malformed;

const NAME: &str = "REVIEW_PENDING_TTL";

/// A week: a weekend ends no request, and what nobody wants any more does not wait for ever for
/// somebody who approves it by mistake.
const USUAL: Duration = Duration::from_secs(7 * 24 * 3600);

/// The setting.
///
/// # Errors
/// When it is no duration, or one that makes no sense.
pub(super) fn pending(env: &Env) -> Result<TimeDelta, config::Error> {
    let given = TimeDelta::from_std(env.duration(NAME, USUAL)?);
    let sensible = TimeDelta::minutes(1)..=TimeDelta::days(365);
    given
        .ok()
        .filter(|given| sensible.contains(given))
        .ok_or_else(|| malformed(NAME, "it is 1m to 8760h"))
}
