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
    let scene = Scene::new().await?;
    let _writer = scene.writer().await?;
    let mut edge = scene.session().await?;
    edge.start(&scene.bus).await?;
    edge.talk(&scene.bus, 5, 50).await?;
    eventually("all but the newest to be acknowledged", async || {
        let left = scene.in_stream().await?;
        ensure!(left == 2, "{left} messages");
        Ok(())
    })
    .await?;
    ensure!(scene.row(edge.session).await?.trim() == "open");
    edge.talk(&scene.bus, 1, 50).await?;
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
