//! Several writers at once.

use std::time::Duration;

use anyhow::{Result, ensure};
use hoop_domain::{Both, Partition, SessionId, manifest::SigningKey};
use hoop_store::recording::{Error, Head, Lease, Write, WriterId};
use hoop_testkit::eventually;

use crate::scene::Scene;

/// How many partitions each writer has.
async fn shares(scene: &Scene) -> Result<String> {
    scene
        .sql(
            "select string_agg(n::text, ' ' order by n) from
               (select count(*) n from partition_leases where now() < expires_at group by owner) x",
        )
        .await
}

async fn expect_shares(scene: &Scene, expected: &str) -> Result<()> {
    eventually("fair shares", async || {
        let shares = shares(scene).await?;
        ensure!(shares == expected, "{shares}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_writers_share_and_the_one_that_is_left_takes_all() -> Result<()> {
    let scene = Scene::new().await?;
    let first = scene.writer().await?;
    expect_shares(&scene, "8").await?;
    let mut edges = Vec::new();
    for _ in 0..16 {
        let mut edge = scene.session().await?;
        edge.start(&scene.bus).await?;
        edge.talk(&scene.bus, 2, 100).await?;
        edges.push(edge);
    }
    let second = scene.writer().await?;
    expect_shares(&scene, "4 4").await?;
    for edge in &mut edges {
        edge.talk(&scene.bus, 2, 100).await?;
    }
    first.kill().await;
    expect_shares(&scene, "8").await?;
    for edge in &mut edges {
        edge.end_both(&scene.bus).await?;
    }
    for edge in &edges {
        scene.expect_whole(edge).await?;
    }
    scene.expect_drained().await?;
    second.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_lost_its_lease_stores_nothing_more() -> Result<()> {
    let scene = Scene::new().await?;
    let session = SessionId::generate();
    let partition = Partition::of(session);
    let (old, new) = (WriterId::generate(), WriterId::generate());
    let take = async |writer, lasting| -> Result<Option<Lease>> {
        Ok(scene.store.lease_acquire(writer, partition, lasting).await?)
    };
    let Some(lease) = take(old, Duration::ZERO).await? else { anyhow::bail!("not free") };
    let write = Write {
        session,
        org: None,
        begun_at: hoop_domain::time::from_micros(1),
        ended_at: hoop_domain::time::from_micros(1),
        heads: Both::from_fn(|direction| Head::start(session, direction)),
        segment: None,
        flaws: Vec::new(),
        exit_code: None,
        finish: None,
    };
    let key = SigningKey::from_seed(&[1; 32])?;
    let commit = async |lease: &Lease| {
        scene.store.recordings_commit(lease, std::slice::from_ref(&write), &key).await
    };
    commit(&lease).await?;
    let lasting = Duration::from_secs(60);
    ensure!(take(new, lasting).await?.is_some_and(|taken| lease.epoch < taken.epoch));
    ensure!(matches!(commit(&lease).await, Err(Error::Fenced { .. })));
    ensure!(take(old, lasting).await?.is_none(), "it is not free");
    Ok(())
}
