//! The real process, killed with SIGKILL at each of its steps, and started again.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::future::try_join_all;
use hoop_domain::manifest::SigningKey;
use hoop_runtime::step::Step;
use hoop_testkit::{Process, eventually};

use crate::scene::Scene;

/// Starts the program with the spool of the scene.
fn start(scene: &Scene, steps: &Path, logs: &Path) -> Result<Process> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hoop-audit-writer"));
    command.env_clear().envs([
        ("NATS_URL", scene.nats.url()),
        ("POSTGRES_DB_URI", scene.uri().to_owned()),
        ("PLUGIN_AUDIT_PATH", scene.spool().display().to_string()),
        ("AUDIT_SIGNING_KEY", STANDARD.encode(scene.seed)),
        ("AUDIT_SEGMENT_BYTES", "65536".into()),
        ("AUDIT_SEGMENT_AGE", "500ms".into()),
        ("METRICS_LISTEN", "off".into()),
        ("E2E_STEPS", steps.display().to_string()),
    ]);
    let mut process = Process::spawn("audit-writer", command, logs)?;
    process.wait_until_ready(|printed| {
        printed.lines().any(|line| line.starts_with("READY ")).then_some(())
    })?;
    Ok(process)
}

/// A session whose writer is killed at `step`, while some of it is stored and some is not.
async fn killed_at(step: Step) -> Result<()> {
    let scene = Scene::new().await?;
    let folder = tempfile::tempdir()?;
    let (steps, logs) = (folder.path().join("steps"), folder.path().join("logs"));
    fs::create_dir_all(&steps)?;
    let mut writer = tokio::task::block_in_place(|| start(&scene, &steps, &logs))?;
    let mut edge = scene.session().await?;
    edge.start(&scene.bus).await?;
    edge.talk(&scene.bus, 8, 10_000).await?;
    eventually("the first segment", async || {
        ensure!(!scene.store.segments_of(edge.session).await?.is_empty(), "none");
        Ok(())
    })
    .await?;
    fs::write(steps.join("wanted"), format!("{} 1\n", step.name()))?;
    fs::rename(steps.join("wanted"), steps.join("arm"))?;
    // It holds the process at the first step that it comes to, wherever that is.
    edge.talk(&scene.bus, 20, 10_000).await?;
    let at_the_end = step == Step::AtManifest;
    if at_the_end {
        edge.end_both(&scene.bus).await?;
    }
    let reached = steps.join("reached");
    eventually("the step", async || {
        ensure!(reached.exists(), "the writer has not come there");
        Ok(())
    })
    .await?;
    writer.kill()?;
    if !at_the_end {
        edge.end_both(&scene.bus).await?;
    }
    fs::remove_file(steps.join("arm"))?;
    let _next = tokio::task::block_in_place(|| start(&scene, &steps, &logs))?;
    scene.expect_whole(&edge).await?;
    let key = SigningKey::from_seed(&scene.seed)?.public_key();
    let checked = scene.verify(edge.session, &[key]).await?;
    ensure!(checked.findings.is_empty(), "{:?}", checked.findings);
    scene.expect_drained().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_is_killed_at_any_step_leaves_a_whole_recording_to_the_next_one() -> Result<()>
{
    let cases = Step::AUDIT_WRITER.map(async |step| {
        killed_at(step).await.with_context(|| format!("killed at {}", step.name()))
    });
    try_join_all(cases).await.map(drop)
}
