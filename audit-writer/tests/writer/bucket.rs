//! Recordings in a bucket, and buckets that are missing, read-only, silent or away.

use std::time::Duration;

use anyhow::{Result, ensure};
use hoop_domain::Secret;
use hoop_objects::{Encryption, Lock, LockMode, Objects, Settings};
use hoop_testkit::{S3, eventually, s3};

use crate::{edge::Edge, scene::Scene};

pub(crate) const BUCKET: &str = "recordings";

pub(crate) fn settings(s3: &S3) -> Settings {
    Settings {
        bucket: BUCKET.into(),
        prefix: "hoop/".into(),
        endpoint: Some(s3.url()),
        region: None,
        path_style: true,
        encryption: Encryption::Bucket,
        lock: None,
        credentials: Some(("test".into(), Secret::new("test".into()))),
    }
}

async fn scene() -> Result<(Scene, S3)> {
    let s3 = s3().await?;
    let mut scene = Scene::new().await?;
    scene.bucket = Some(settings(&s3));
    Ok((scene, s3))
}

async fn a_session(scene: &Scene) -> Result<Edge> {
    let mut edge = scene.session().await?;
    edge.start(&scene.bus).await?;
    edge.talk(&scene.bus, 10, 1000).await?;
    edge.end_both(&scene.bus).await?;
    Ok(edge)
}

/// Waits until the session is known, and nothing of it is stored or acknowledged.
async fn waits_in_the_stream(scene: &Scene, edge: &Edge) -> Result<()> {
    let published = edge.published.map(Vec::len);
    let packets = u64::try_from(published.inward + published.outward)?;
    ensure!(packets <= scene.in_stream().await?, "something was acknowledged");
    ensure!(scene.store.segments_of(edge.session).await?.is_empty(), "something was stored");
    ensure!(scene.store.manifest_of(edge.session).await?.is_none(), "it is finished");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_and_manifests_are_in_the_bucket_and_nowhere_else() -> Result<()> {
    let (mut scene, s3) = scene().await?;
    s3.bucket(BUCKET).await?;
    scene.limits.segment_bytes = 64 * 1024;
    let _writer = scene.writer().await?;
    let mut edge = scene.session().await?;
    edge.start(&scene.bus).await?;
    edge.talk(&scene.bus, 20, 10_000).await?;
    edge.end_both(&scene.bus).await?;
    let manifest = scene.expect_whole(&edge).await?;
    ensure!(1 < manifest.segments.len());
    let rows =
        format!("select count(stored) from recording_segments where session = '{}'", edge.session);
    ensure!(scene.sql(&rows).await?.trim() == "0", "the database has segments");
    let folder = format!("hoop/{}/{}/", edge.org, edge.session);
    eventually("the copy of the manifest", async || {
        let keys = s3.keys(BUCKET).await?;
        ensure!(keys.iter().all(|key| key.starts_with(&folder)), "{keys:?}");
        ensure!(keys.contains(&format!("{folder}manifest.json")), "{keys:?}");
        ensure!(keys.len() == manifest.segments.len() + 1, "{keys:?}");
        Ok(())
    })
    .await?;
    // Objects are private: whoever reads one needs the keys.
    let objects = Objects::connect(settings(&s3)).await;
    let copy = objects.get(&format!("{folder}manifest.json")).await?;
    let copy = std::str::from_utf8(&copy)?;
    ensure!(copy.contains("hoop recording manifest v1") && copy.contains("signature"), "{copy}");
    scene.expect_drained().await
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_in_parts_and_manifests_are_encrypted_and_locked_in_the_bucket() -> Result<()> {
    let (mut scene, s3) = scene().await?;
    s3.bucket_with_locks(BUCKET).await?;
    scene.limits.segment_bytes = 16 * 1024 * 1024;
    scene.limits.segment_age = Duration::from_secs(600);
    if let Some(bucket) = &mut scene.bucket {
        bucket.encryption = Encryption::Aes256;
        bucket.lock = Some(Lock { mode: LockMode::Governance, days: 1 });
    }
    let _writer = scene.writer().await?;
    let mut edge = scene.session().await?;
    edge.start(&scene.bus).await?;
    edge.noise(&scene.bus, 40, 256 * 1024).await?;
    edge.end_both(&scene.bus).await?;
    scene.expect_whole(&edge).await?;
    let infos = scene.store.segments_of(edge.session).await?;
    ensure!(infos.iter().any(|info| 8 * 1024 * 1024 < info.stored_bytes), "{infos:?}");
    let keys = eventually("the segment and its manifest", async || {
        let keys = s3.keys(BUCKET).await?;
        ensure!(keys.len() == infos.len() + 1, "{keys:?}");
        Ok(keys)
    })
    .await?;
    for key in keys {
        let head = s3.head(BUCKET, &key).await?;
        let kept = |header: &str| head.get(header).map_or("", String::as_str);
        ensure!(kept("x-amz-server-side-encryption") == "AES256", "{key}: {head:?}");
        // moto keeps no locks of uploads in parts; `services/objects` looks at that request.
        if key.ends_with("manifest.json") {
            ensure!(kept("x-amz-object-lock-mode") == "GOVERNANCE", "{key}: {head:?}");
        }
    }
    scene.expect_drained().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_is_missing_costs_time_and_no_packet() -> Result<()> {
    let (scene, s3) = scene().await?;
    let _writer = scene.writer().await?;
    let edge = a_session(&scene).await?;
    waits_in_the_stream(&scene, &edge).await?;
    s3.bucket(BUCKET).await?;
    scene.expect_whole(&edge).await?;
    scene.expect_drained().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_is_read_only_costs_time_and_no_packet() -> Result<()> {
    let (scene, s3) = scene().await?;
    s3.bucket(BUCKET).await?;
    s3.deny(BUCKET, "s3:PutObject").await?;
    let _writer = scene.writer().await?;
    let edge = a_session(&scene).await?;
    waits_in_the_stream(&scene, &edge).await?;
    s3.permit(BUCKET).await?;
    scene.expect_whole(&edge).await?;
    scene.expect_drained().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_starts_while_its_bucket_is_away_and_goes_on_when_it_is_back() -> Result<()> {
    let (scene, mut s3) = scene().await?;
    s3.kill()?;
    let _writer = scene.writer().await?;
    let edge = a_session(&scene).await?;
    waits_in_the_stream(&scene, &edge).await?;
    tokio::task::block_in_place(|| s3.start())?;
    s3.bucket(BUCKET).await?;
    scene.expect_whole(&edge).await?;
    scene.expect_drained().await
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_bucket_says_nothing_sessions_are_still_opened_and_nothing_is_lost() -> Result<()> {
    let (scene, s3) = scene().await?;
    s3.bucket(BUCKET).await?;
    let _writer = scene.writer().await?;
    s3.freeze()?;
    let mut edge = scene.session().await?;
    edge.start(&scene.bus).await?;
    eventually("the session to be open", async || {
        let row = scene.row(edge.session).await?;
        ensure!(row.trim() == "open", "it is {row}");
        Ok(())
    })
    .await?;
    edge.talk(&scene.bus, 10, 1000).await?;
    edge.end_both(&scene.bus).await?;
    waits_in_the_stream(&scene, &edge).await?;
    s3.thaw()?;
    scene.expect_whole(&edge).await?;
    scene.expect_drained().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_a_crash_left_behind_is_used_by_the_next_writer() -> Result<()> {
    let (scene, s3) = scene().await?;
    s3.bucket(BUCKET).await?;
    scene
        .sql("alter table recording_segments add constraint never check (false) not valid")
        .await?;
    let first = scene.writer().await?;
    let edge = a_session(&scene).await?;
    eventually("an object without a row", async || {
        ensure!(s3.keys(BUCKET).await?.len() == 1, "none");
        Ok(())
    })
    .await?;
    first.kill().await;
    waits_in_the_stream(&scene, &edge).await?;
    scene.sql("alter table recording_segments drop constraint never").await?;
    let _second = scene.writer().await?;
    let manifest = scene.expect_whole(&edge).await?;
    ensure!(manifest.segments.len() == 1, "the same packets make the same segment");
    scene.expect_drained().await
}
