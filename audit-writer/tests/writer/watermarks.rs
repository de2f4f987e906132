//! Writers say when there is no room for new sessions, and when there is again.

use anyhow::{Result, ensure};
use hoop_audit_writer::watermark::{Mark, SpoolMarks};
use hoop_bus::stream::AUDIT;
use hoop_domain::Partition;
use hoop_store::recording::Trouble;
use hoop_testkit::eventually;

use crate::scene::Scene;

/// Waits until this is what `api` hears.
async fn expect_trouble(scene: &Scene, expected: Option<Trouble>) -> Result<()> {
    let partition = Partition::of(hoop_domain::SessionId::generate());
    eventually("the writer's word", async || {
        let trouble = scene.store.recording_trouble(partition).await?;
        ensure!(trouble == expected, "{trouble:?} and not {expected:?}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spool_above_its_watermark_is_told_and_one_below_it_is_fine() -> Result<()> {
    let mut scene = Scene::new().await?;
    // Whatever disk this is, it has passed this mark.
    scene.marks = SpoolMarks { high: Mark::UsedPercent(0), low: Mark::UsedPercent(0) };
    let full = scene.writer().await?;
    expect_trouble(&scene, Some(Trouble::SpoolNearlyFull)).await?;
    // What is open goes on.
    let mut edge = scene.session().await?;
    edge.start(&scene.bus).await?;
    edge.talk(&scene.bus, 3, 500).await?;
    edge.end_both(&scene.bus).await?;
    scene.expect_whole(&edge).await?;
    full.stop().await?;
    expect_trouble(&scene, None).await?;
    scene.marks = SpoolMarks { high: Mark::FreeBytes(0), low: Mark::FreeBytes(0) };
    let _empty = scene.writer().await?;
    expect_trouble(&scene, None).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_nearly_full_is_told_until_it_is_emptied() -> Result<()> {
    let mut scene = Scene::alone().await?;
    scene.limits.retention.bytes = 0;
    let _writer = scene.writer().await?;
    let mut edge = scene.session().await?;
    edge.start(&scene.bus).await?;
    expect_trouble(&scene, None).await?;
    // Nothing is stored, so the stream fills.
    scene
        .sql("alter table recording_segments add constraint never check (false) not valid")
        .await?;
    let mut stream = scene.bus.jetstream().get_stream(AUDIT).await?;
    let mut config = stream.info().await?.config.clone();
    config.max_bytes = 1024 * 1024;
    scene.bus.jetstream().update_stream(config).await?;
    edge.noise(&scene.bus, 9, 110_000).await?;
    expect_trouble(&scene, Some(Trouble::StreamNearlyFull)).await?;
    // What is full refuses, and takes the same again when there is room.
    let refused = edge.refused(&scene.bus, 110_000).await?;
    scene.sql("alter table recording_segments drop constraint never").await?;
    expect_trouble(&scene, None).await?;
    edge.publish(&scene.bus, hoop_domain::Direction::Out, refused).await?;
    edge.end_both(&scene.bus).await?;
    scene.expect_whole(&edge).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_nobody_has_held_for_a_minute_takes_no_sessions() -> Result<()> {
    let scene = Scene::new().await?;
    let writer = scene.writer().await?;
    expect_trouble(&scene, None).await?;
    writer.stop().await?;
    // A writer that is replaced is no reason to refuse anybody.
    expect_trouble(&scene, None).await?;
    scene.sql("update partition_leases set seen_at = now() - interval '61 s'").await?;
    expect_trouble(&scene, Some(Trouble::NoWriter)).await?;
    let _next = scene.writer().await?;
    expect_trouble(&scene, None).await
}
