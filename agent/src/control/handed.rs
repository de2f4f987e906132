//! What the gateway hands its agents: where to report errors and profiles to.

use hoop_proto::v1::Telemetry;
use hoop_runtime::reports::{Handed, Reports};
use tokio::task::spawn_blocking;

/// Begins to report there, unless the agent's own environment or an earlier welcome said where.
pub(super) fn begin(telemetry: Option<Telemetry>) {
    let Some(Telemetry { sentry_dsn, pyroscope_url, pyroscope_token }) = telemetry else { return };
    match Reports::from_handed(Handed { sentry_dsn, pyroscope_url, pyroscope_token }) {
        // In the background: nobody waits for that.
        Ok(reports) => drop(spawn_blocking(move || reports.begin("hoop-agent"))),
        Err(why) => tracing::warn!("what the gateway says about reports is not used: {why}"),
    }
}
