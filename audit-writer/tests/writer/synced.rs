//! `synced` sessions: on the disk for good before the edge is told so.

use std::{collections::HashSet, fs, path::Path, time::Duration};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use futures_util::StreamExt;
use hoop_bus::{Subject, stream::AUDIT};
use hoop_proto::v1::{AuditLevel, Packet, RelayFrame, Synced, relay_frame::Frame};
use hoop_store::recording::format::Records;
use hoop_testkit::eventually;
use prost::Message;

use crate::{edge::Edge, scene::Scene};

/// The folders of journals in a spool.
fn journals(spool: &Path) -> Result<Vec<std::path::PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(spool)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if name.is_some_and(|name| name.starts_with("journal-")) {
            found.push(path);
        }
    }
    Ok(found)
}

/// All packets in the journals of a spool.
fn journaled(spool: &Path) -> Result<HashSet<Bytes>> {
    let mut packets = HashSet::new();
    for folder in journals(spool)? {
        for entry in fs::read_dir(folder)? {
            packets.extend(Records::new(fs::read(entry?.path())?.into()));
        }
    }
    Ok(packets)
}

/// Waits until the edge was told that all it has published is on the disk.
async fn expect_told(told: &mut async_nats::Subscriber, edge: &Edge) -> Result<()> {
    let published = edge.published.map(Vec::len);
    let all = Synced {
        in_seq: u64::try_from(published.inward)?,
        out_seq: u64::try_from(published.outward)?,
    };
    loop {
        let message = tokio::time::timeout(hoop_testkit::patience(), told.next()).await?;
        let frame = RelayFrame::decode(message.context("no more words")?.payload)?;
        let Some(Frame::Synced(synced)) = frame.frame else { anyhow::bail!("another frame") };
        ensure!(synced.in_seq <= all.in_seq && synced.out_seq <= all.out_seq, "{synced:?}");
        if synced == all {
            return Ok(());
        }
    }
}

async fn synced_session(scene: &Scene) -> Result<(Edge, async_nats::Subscriber)> {
    let mut edge = scene.session().await?;
    let subject = Subject::Synced { session: edge.session }.to_string();
    let told = scene.bus.client().subscribe(subject).await?;
    edge.start_at(&scene.bus, AuditLevel::Synced).await?;
    Ok((edge, told))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_edge_is_told_is_on_the_disk() -> Result<()> {
    let mut scene = Scene::new().await?;
    // Nothing is stored before the end, so all has to be in the journal.
    scene.limits.segment_age = Duration::from_secs(600);
    let writer = scene.writer().await?;
    let (mut edge, mut told) = synced_session(&scene).await?;
    let mut strict = scene.session().await?;
    strict.start(&scene.bus).await?;
    for _ in 0..5 {
        edge.talk(&scene.bus, 4, 2000).await?;
        expect_told(&mut told, &edge).await?;
        let there = journaled(scene.spool())?;
        let published = edge.published.inward.iter().chain(&edge.published.outward);
        ensure!(published.clone().all(|packet| there.contains(packet)), "not all is there");
    }
    let there = journaled(scene.spool())?;
    let strict_packets = &strict.published.inward;
    ensure!(!strict_packets.iter().any(|packet| there.contains(packet)), "strict needs no journal");
    for edge in [&mut edge, &mut strict] {
        edge.end_both(&scene.bus).await?;
        scene.expect_whole(edge).await?;
    }
    writer.stop().await?;
    eventually("no journal to be left", async || {
        let left = journals(scene.spool())?;
        ensure!(left.is_empty(), "{left:?}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_writer_tells_what_is_stored_or_on_its_disk() -> Result<()> {
    let scene = Scene::new().await?;
    let first = scene.writer().await?;
    let (mut edge, mut told) = synced_session(&scene).await?;
    edge.talk(&scene.bus, 4, 500).await?;
    expect_told(&mut told, &edge).await?;
    first.kill().await;
    edge.talk(&scene.bus, 4, 500).await?;
    let _second = scene.writer().await?;
    expect_told(&mut told, &edge).await?;
    edge.end_both(&scene.bus).await?;
    scene.expect_whole(&edge).await?;
    scene.expect_drained().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_broker_lost_in_a_power_cut_comes_back_from_the_disk() -> Result<()> {
    let mut scene = Scene::new().await?;
    scene.limits.segment_age = Duration::from_secs(600);
    let first = scene.writer().await?;
    let (mut edge, mut told) = synced_session(&scene).await?;
    edge.talk(&scene.bus, 6, 500).await?;
    expect_told(&mut told, &edge).await?;
    first.kill().await;
    eventually("the journal to be nobody's", async || {
        for folder in journals(scene.spool())? {
            fs::File::open(folder.join("lock"))?.try_lock()?;
        }
        Ok(())
    })
    .await?;
    // The last messages, as if they had never come.
    let mut stream = scene.bus.jetstream().get_stream(AUDIT).await?;
    let last = stream.info().await?.state.last_sequence;
    for sequence in last - 6..=last {
        stream.delete_message(sequence).await?;
    }
    let left = stream.info().await?.state.messages;
    ensure!(left == 13 - 7, "{left} messages are left");
    let _second = scene.writer().await?;
    expect_told(&mut told, &edge).await?;
    let newest = edge.published.outward.last().context("nothing was published")?;
    ensure!(Packet::decode(newest.clone())?.seq == 6);
    edge.end_both(&scene.bus).await?;
    scene.expect_whole(&edge).await?;
    scene.expect_drained().await
}
