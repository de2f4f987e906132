//! Writers, brokers and databases that go away.

use std::time::Duration;

use anyhow::{Result, ensure};
use hoop_testkit::eventually;

use crate::scene::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn a_second_writer_finishes_what_a_killed_one_began() -> Result<()> {
    let mut scene = Scene::new().await?;
    scene.limits.segment_bytes = 64 * 1024;
    let first = scene.writer().await?;
    let mut edge = scene.session().await?;
    edge.start(&scene.bus).await?;
    edge.talk(&scene.bus, 20, 10_000).await?;
    eventually("the first segments", async || {
        ensure!(!scene.store.segments_of(edge.session).await?.is_empty(), "none");
        Ok(())
    })
    .await?;
    edge.talk(&scene.bus, 5, 10_000).await?;
    first.kill().await;
    edge.talk(&scene.bus, 20, 10_000).await?;
    let _second = scene.writer().await?;
    edge.talk(&scene.bus, 20, 10_000).await?;
    edge.end_both(&scene.bus).await?;
    scene.expect_whole(&edge).await?;
    scene.expect_drained().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_is_stopped_stores_what_it_has_and_another_goes_on_at_once() -> Result<()> {
    let mut scene = Scene::new().await?;
    scene.limits.segment_age = Duration::from_secs(600);
    scene.limits.retention.bytes = 0;
    let first = scene.writer().await?;
    let mut edge = scene.session().await?;
    edge.start(&scene.bus).await?;
    edge.talk(&scene.bus, 5, 1000).await?;
    eventually("the session to be open", async || {
        ensure!(scene.row(edge.session).await?.trim() == "open", "not yet");
        Ok(())
    })
    .await?;
    first.stop().await?;
    let held = scene.sql("select count(*) from partition_leases where owner is not null").await?;
    ensure!(held == "0", "{held} leases left");
    let left = scene.in_stream().await?;
    ensure!(left <= 3, "{left} messages: all but the first and the newest is acknowledged");
    ensure!(scene.store.segments_of(edge.session).await?.len() == 1);
    let _second = scene.writer().await?;
    edge.end_both(&scene.bus).await?;
    scene.expect_whole(&edge).await?;
    scene.expect_drained().await
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_acknowledged_while_the_store_is_down() -> Result<()> {
    let scene = Scene::alone().await?;
    let _writer = scene.writer().await?;
    let mut edge = scene.session().await?;
    edge.start(&scene.bus).await?;
    eventually("the first segment", async || {
        ensure!(scene.store.segments_of(edge.session).await?.len() == 1, "none");
        Ok(())
    })
    .await?;
    scene.postgres.stop()?;
    let mut second = crate::edge::Edge::new(edge.org);
    second.start(&scene.bus).await?;
    edge.talk(&scene.bus, 10, 1000).await?;
    edge.end_both(&scene.bus).await?;
    ensure!(scene.in_stream().await? == 24);
    scene.postgres.start().await?;
    scene.expect_whole(&edge).await?;
    scene.authorize(&second).await?;
    second.end_both(&scene.bus).await?;
    scene.expect_whole(&second).await?;
    scene.expect_drained().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_the_store_refuses_holds_up_no_other_session() -> Result<()> {
    let scene = Scene::new().await?;
    let _writer = scene.writer().await?;
    let (mut refused, mut fine) = (scene.session().await?, scene.session().await?);
    let session = refused.session;
    scene
        .sql(&format!(
            "alter table recording_segments add constraint never check (session <> '{session}')"
        ))
        .await?;
    for edge in [&mut refused, &mut fine] {
        edge.start(&scene.bus).await?;
        edge.end_both(&scene.bus).await?;
    }
    scene.expect_whole(&fine).await?;
    // What is stored is acknowledged a moment after its manifest is there.
    eventually("only the refused session to be left", async || {
        let left = scene.in_stream().await?;
        ensure!(left == 3, "{left} packets");
        Ok(())
    })
    .await?;
    scene.sql("alter table recording_segments drop constraint never").await?;
    scene.expect_whole(&refused).await?;
    scene.expect_drained().await
}

#[tokio::test(flavor = "multi_thread")]
async fn however_much_of_a_session_the_store_refuses_it_holds_up_no_other() -> Result<()> {
    let mut scene = Scene::new().await?;
    scene.limits.segment_bytes = 512 * 1024;
    let _writer = scene.writer().await?;
    let mut refused = scene.session().await?;
    let session = refused.session;
    scene
        .sql(&format!(
            "alter table recording_segments add constraint never check (session <> '{session}')"
        ))
        .await?;
    refused.start(&scene.bus).await?;
    // More than goes into one transaction.
    refused.talk(&scene.bus, 40, 100_000).await?;
    let mut edges = Vec::new();
    // One of so many shares its partition.
    for _ in 0..64 {
        let mut edge = scene.session().await?;
        edge.start(&scene.bus).await?;
        edge.end_both(&scene.bus).await?;
        edges.push(edge);
    }
    for edge in &edges {
        scene.expect_whole(edge).await?;
    }
    refused.end_both(&scene.bus).await?;
    scene.sql("alter table recording_segments drop constraint never").await?;
    scene.expect_whole(&refused).await?;
    scene.expect_drained().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_killed_and_comes_back_leaves_no_flaw() -> Result<()> {
    let mut scene = Scene::new().await?;
    let _writer = scene.writer().await?;
    let mut edge = scene.session().await?;
    edge.start(&scene.bus).await?;
    edge.talk(&scene.bus, 50, 1000).await?;
    scene.nats.restart().await?;
    eventually("the broker", async || {
        ensure!(scene.bus.connected(), "not yet");
        scene.in_stream().await
    })
    .await?;
    edge.talk(&scene.bus, 50, 1000).await?;
    edge.end_both(&scene.bus).await?;
    scene.expect_whole(&edge).await?;
    scene.expect_drained().await
}
