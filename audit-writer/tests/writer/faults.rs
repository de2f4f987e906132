//! Streams that are not what they should be.

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use hoop_bus::Subject;
use hoop_domain::{
    Direction::{In, Out},
    EndReason, Partition,
    manifest::{Flaw, FlawKind},
};
use hoop_proto::v1::{SessionEnd, packet::Body};
use hoop_testkit::eventually;

use crate::scene::Scene;

fn data(text: &'static str) -> Body {
    Body::Data(Bytes::from_static(text.as_bytes()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_chain_and_a_gap_are_named_in_the_manifest() -> Result<()> {
    let scene = Scene::new().await?;
    let _writer = scene.writer().await?;
    let mut edge = scene.session().await?;
    edge.start(&scene.bus).await?;
    let mut touched = edge.packet(In, data("select 1")).to_vec();
    // The statement itself: the id and the time before it may hold any byte.
    let statement = touched.windows(8).position(|window| window == b"select 1");
    let last = statement.context("the packet holds the statement")? + 7;
    touched[last] = b'2';
    edge.publish(&scene.bus, In, touched.clone().into()).await?;
    edge.packet(Out, data("a packet that is never published"));
    edge.talk(&scene.bus, 1, 50).await?;
    edge.publish(&scene.bus, Out, Bytes::from_static(b"\xff\xff not a packet")).await?;
    edge.end_both(&scene.bus).await?;

    let (manifest, _) = scene.manifest(edge.session).await?;
    let flaw = |direction, seq, kind| Flaw { direction, seq, kind };
    let expected = [
        flaw(In, 2, FlawKind::BrokenChain),
        flaw(Out, 2, FlawKind::Gap),
        flaw(Out, 3, FlawKind::Undecodable),
    ];
    ensure!(manifest.flaws == expected, "{:?}", manifest.flaws);
    let recorded = scene.recorded(edge.session, &manifest).await?;
    ensure!(recorded.inward.get(1).is_some_and(|packet| *packet == touched), "it is kept as it is");
    ensure!(recorded.outward.len() == 2);
    scene.expect_drained().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_packet_that_is_published_twice_is_recorded_once() -> Result<()> {
    let scene = Scene::new().await?;
    let _writer = scene.writer().await?;
    let mut edge = scene.session().await?;
    edge.start(&scene.bus).await?;
    let packet = edge.packet(In, data("select 1"));
    for _ in 0..3 {
        edge.publish(&scene.bus, In, packet.clone()).await?;
    }
    edge.end_both(&scene.bus).await?;
    scene.expect_whole(&edge).await?;
    scene.expect_drained().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_packet_after_the_end_is_named_and_a_message_of_no_session_blocks_nothing() -> Result<()>
{
    let scene = Scene::new().await?;
    let _writer = scene.writer().await?;
    let mut edge = scene.session().await?;
    edge.start(&scene.bus).await?;
    edge.end_both(&scene.bus).await?;
    scene.expect_whole(&edge).await?;
    let late = edge.packet(Out, data("late"));
    edge.publish(&scene.bus, Out, late).await?;
    let flaws = eventually("the flaw", async || {
        let flaws = scene.store.recording_flaws(edge.session).await?;
        ensure!(!flaws.is_empty(), "none yet");
        Ok(flaws)
    })
    .await?;
    ensure!(flaws == [Flaw { direction: Out, seq: 2, kind: FlawKind::Late }], "{flaws:?}");

    let subject = Subject::Audit { session: edge.session, direction: In }.to_string();
    let partition = Partition::of(edge.session).number();
    let nobody = format!("audit.{partition}.nobody.in");
    for subject in [nobody, subject] {
        scene.bus.jetstream().publish(subject, Bytes::from_static(b"noise")).await?.await?;
    }
    scene.expect_drained().await
}

#[tokio::test(flavor = "multi_thread")]
async fn last_words_that_a_database_can_not_hold_keep_no_recording_out() -> Result<()> {
    let scene = Scene::new().await?;
    let _writer = scene.writer().await?;
    let mut edge = scene.session().await?;
    edge.start(&scene.bus).await?;
    edge.end(&scene.bus, Out, EndReason::TargetClosed).await?;
    let last = SessionEnd { code: "client_closed".into(), message: "good\0bye".into() };
    edge.say(&scene.bus, In, Body::SessionEnd(last)).await?;
    scene.expect_whole(&edge).await?;
    let sql = format!("select end_message from sessions where id = '{}'", edge.session);
    assert_eq!(scene.sql(&sql).await?, "good\u{fffd}bye");
    scene.expect_drained().await
}
