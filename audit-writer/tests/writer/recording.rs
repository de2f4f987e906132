//! What is published comes back.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use hoop_domain::{Direction, EndReason, manifest::Manifest};
use hoop_testkit::eventually;

use crate::{edge::Edge, scene::Scene};

#[tokio::test(flavor = "multi_thread")]
async fn a_session_comes_back_byte_for_byte() -> Result<()> {
    let mut scene = Scene::new().await?;
    scene.limits.segment_bytes = 256 * 1024;
    let _writer = scene.writer().await?;
    let mut edge = scene.session().await?;
    edge.start(&scene.bus).await?;
    edge.talk(&scene.bus, 20, 100).await?;
    edge.talk(&scene.bus, 10, 200_000).await?;
    edge.end_both(&scene.bus).await?;
    let manifest = scene.expect_whole(&edge).await?;
    ensure!(manifest.org == edge.org);
    ensure!(manifest.reason == EndReason::ClientClosed);
    ensure!(5 < manifest.segments.len(), "{} segments", manifest.segments.len());
    ensure!(manifest.segments.iter().all(|segment| segment.stored_bytes < segment.raw_bytes));
    ensure!(scene.row(edge.session).await? == "done client_closed");
    scene.expect_drained().await
}

#[tokio::test(flavor = "multi_thread")]
async fn many_sessions_at_once_are_kept_apart() -> Result<()> {
    let scene = Scene::new().await?;
    let _writer = scene.writer().await?;
    let org = scene.org().await?;
    let mut edges = Vec::new();
    for _ in 0..40 {
        let mut edge = Edge::new(org);
        scene.authorize(&edge).await?;
        edge.start(&scene.bus).await?;
        edges.push(edge);
    }
    for edge in &mut edges {
        edge.talk(&scene.bus, 3, 50).await?;
    }
    for edge in &mut edges {
        edge.end_both(&scene.bus).await?;
    }
    for edge in &edges {
        scene.expect_whole(edge).await?;
    }
    scene.expect_drained().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_packets_of_a_live_session_stay_in_the_stream() -> Result<()> {
    let mut scene = Scene::new().await?;
    scene.limits.retention.age = Duration::from_millis(300);
    let _writer = scene.writer().await?;
    let mut edge = scene.session().await?;
    edge.start(&scene.bus).await?;
    edge.talk(&scene.bus, 5, 50).await?;
    expect_left(&scene, 3, "the first and the newest of each direction").await?;
    ensure!(scene.row(edge.session).await?.trim() == "open");
    edge.talk(&scene.bus, 1, 50).await?;
    edge.end_both(&scene.bus).await?;
    scene.expect_whole(&edge).await?;
    scene.expect_drained().await
}

/// Waits until so much is in the stream, and nothing but that is left to be stored.
async fn expect_left(scene: &Scene, expected: u64, what: &str) -> Result<()> {
    eventually(what, async || {
        let left = scene.in_stream().await?;
        ensure!(left == expected, "{left} messages");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_end_may_not_have_received_stays_in_the_stream_across_writers() -> Result<()> {
    let mut scene = Scene::new().await?;
    scene.limits.retention.bytes = 20_000;
    let first = scene.writer().await?;
    let mut edge = scene.session().await?;
    edge.start(&scene.bus).await?;
    edge.talk(&scene.bus, 30, 3000).await?;
    let left = "session_start, and 20 kB of each direction";
    expect_left(&scene, 1 + 6 + 6, left).await?;
    first.kill().await;
    let second = scene.writer().await?;
    edge.talk(&scene.bus, 3, 3000).await?;
    eventually("the second writer's segment", async || {
        let stored = scene.store.recordings_progress(&[edge.session]).await?;
        ensure!(stored.first().is_some_and(|known| known.heads.outward.seq == 33), "not yet");
        Ok(())
    })
    .await?;
    expect_left(&scene, 1 + 6 + 6, left).await?;
    second.kill().await;
    // Nothing new comes: what is delivered again is let go by the same rule.
    scene.limits.retention.bytes = 10_000;
    let _third = scene.writer().await?;
    expect_left(&scene, 1 + 3 + 3, "session_start, and 10 kB of each direction").await?;
    edge.end_both(&scene.bus).await?;
    scene.expect_whole(&edge).await?;
    scene.expect_drained().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_manifests_of_an_organisation_form_a_chain() -> Result<()> {
    let scene = Scene::new().await?;
    let _writer = scene.writer().await?;
    let (org, other) = (scene.org().await?, scene.org().await?);
    let mut previous = [0; 32];
    for position in 1..=3 {
        for org in [org, other] {
            let mut edge = Edge::new(org);
            scene.authorize(&edge).await?;
            edge.start(&scene.bus).await?;
            edge.end_both(&scene.bus).await?;
            let (manifest, stored) = scene.manifest(edge.session).await?;
            ensure!(manifest.position == position);
            if manifest.org == org && org != other {
                ensure!(manifest.previous == previous);
                previous = Manifest::digest(&stored.encoded);
            }
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_is_recorded_without_waiting_for_a_timer() -> Result<()> {
    let mut scene = Scene::new().await?;
    // Nothing but the ends can bring this recording to its end within the test's patience.
    scene.limits.segment_age = Duration::from_secs(600);
    scene.limits.outward_grace = Duration::from_secs(600);
    let _writer = scene.writer().await?;
    let mut edge = scene.session().await?;
    edge.start(&scene.bus).await?;
    edge.talk(&scene.bus, 2, 50).await?;
    edge.end(&scene.bus, Direction::In, EndReason::Killed).await?;
    edge.end(&scene.bus, Direction::Out, EndReason::ClientClosed).await?;
    let ended = Instant::now();
    let (manifest, _) = scene.manifest(edge.session).await?;
    println!("finished after {:?}", ended.elapsed());
    ensure!(manifest.reason == EndReason::Killed);
    Ok(())
}
