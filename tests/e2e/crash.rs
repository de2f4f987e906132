//! A short part of the crash matrix, the same in every test run. `cargo xtask crash` runs all
//! of it for as long as wanted.

use anyhow::ensure;
use hoop_tests::crash::{Settings, run};

use crate::Result;

/// Runs of these cases, in the order of the seed: each is a fault to another part.
async fn nothing_is_lost(only: &[&str], runs: u64) -> Result {
    let only = only.iter().map(|words| (*words).to_owned()).collect();
    let settings = Settings { seed: 4, runs: Some(runs), only, ..Settings::default() };
    let logs = tempfile::tempdir()?;
    let tally = run(&settings, logs.path()).await?;
    let violations = tally.violations().join("\n");
    if !violations.is_empty() {
        // They say what happened inside, and the folder is about to go.
        let kept = logs.keep();
        anyhow::bail!("{violations}\nlogs: {}", kept.display());
    }
    ensure!(tally.runs() == runs, "{} runs of {runs}", tally.runs());
    assert_eq!(tally.lost(), 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_audit_writer_and_a_dead_agent_lose_no_byte() -> Result {
    let only = ["kill audit-writer-0 at before_stream_ack", "kill agent-1"];
    nothing_is_lost(&only, 2).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_that_nobody_hears_and_a_state_store_that_hangs_lose_no_byte() -> Result {
    nothing_is_lost(&["mute edge-1 at before_relay", "stop postgres"], 2).await
}
