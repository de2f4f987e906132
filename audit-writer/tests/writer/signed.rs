//! Sessions are signed while they are open.

use anyhow::{Context, Result, ensure};
use hoop_domain::{
    Direction,
    manifest::{Checkpoint, SigningKey},
};
use hoop_recording::Finding;
use hoop_testkit::eventually;

use crate::{edge::Edge, scene::Scene};

/// Waits until a checkpoint covers all that was published.
async fn expect_signed(scene: &Scene, edge: &Edge) -> Result<Checkpoint> {
    eventually("a checkpoint of all there is", async || {
        let stored = scene.store.checkpoint_of(edge.session).await?.context("none")?;
        let checkpoint = Checkpoint::parse(&stored.encoded)?;
        for direction in Direction::BOTH {
            let published = u64::try_from(edge.published.get(direction).len())?;
            let signed = checkpoint.ways.get(direction).last_seq;
            ensure!(signed == published, "{signed} of {published} packets {}", direction.as_str());
        }
        Ok(checkpoint)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_of_an_open_session_is_signed_and_the_manifest_continues_it() -> Result<()> {
    let scene = Scene::new().await?;
    let key = SigningKey::from_seed(&scene.seed)?.public_key();
    let first = scene.writer().await?;
    let mut edge = scene.session().await?;
    edge.start(&scene.bus).await?;
    let mut segments = 0;
    for round in 0..4 {
        edge.talk(&scene.bus, 3, 500).await?;
        let checkpoint = expect_signed(&scene, &edge).await?;
        ensure!(checkpoint.org == edge.org);
        ensure!(segments < checkpoint.segments.count, "round {round}: {checkpoint}");
        segments = checkpoint.segments.count;
        let checked = scene.verify(edge.session, &[key]).await?;
        ensure!(checked.open && checked.findings.is_empty(), "{:?}", checked.findings);
        ensure!(checked.segments == segments);
    }
    // The next writer goes on with it.
    first.kill().await;
    let _second = scene.writer().await?;
    edge.talk(&scene.bus, 3, 500).await?;
    expect_signed(&scene, &edge).await?;
    let checked = scene.verify(edge.session, &[key]).await?;
    ensure!(checked.open && checked.findings.is_empty(), "{:?}", checked.findings);
    edge.end_both(&scene.bus).await?;
    scene.expect_whole(&edge).await?;
    let checked = scene.verify(edge.session, &[key]).await?;
    ensure!(!checked.open && checked.findings.is_empty(), "{:?}", checked.findings);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_rotate_in_the_middle_of_a_session_and_old_signatures_stay_verifiable() -> Result<()> {
    let mut scene = Scene::new().await?;
    let old = SigningKey::from_seed(&scene.seed)?.public_key();
    let first = scene.writer().await?;
    let (mut before, mut edge) = (scene.session().await?, scene.session().await?);
    before.start(&scene.bus).await?;
    before.end_both(&scene.bus).await?;
    scene.expect_whole(&before).await?;
    edge.start(&scene.bus).await?;
    edge.talk(&scene.bus, 3, 500).await?;
    expect_signed(&scene, &edge).await?;
    first.stop().await?;
    scene.seed = [8; 32];
    let new = SigningKey::from_seed(&scene.seed)?.public_key();
    let _second = scene.writer().await?;
    edge.end_both(&scene.bus).await?;
    scene.expect_whole(&edge).await?;
    for session in [before.session, edge.session] {
        let checked = scene.verify(session, &[old, new]).await?;
        ensure!(checked.findings.is_empty(), "{:?}", checked.findings);
    }
    let findings = scene.verify(edge.session, &[new]).await?.findings;
    ensure!(findings == [Finding::UntrustedKey(old.id())], "{findings:?}");
    let findings = scene.verify(before.session, &[new]).await?.findings;
    ensure!(findings == [Finding::UntrustedKey(old.id())], "{findings:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_that_was_cut_off_an_open_session_is_found_though_a_writer_finished_it() -> Result<()>
{
    let scene = Scene::new().await?;
    let first = scene.writer().await?;
    let mut edge = scene.session().await?;
    edge.start(&scene.bus).await?;
    edge.talk(&scene.bus, 2, 500).await?;
    let before = expect_signed(&scene, &edge).await?;
    edge.talk(&scene.bus, 2, 500).await?;
    let after = expect_signed(&scene, &edge).await?;
    first.stop().await?;
    // As somebody would who can write to the database and empty the stream.
    let session = edge.session;
    let way = |direction: Direction| {
        let (name, way) = (direction.as_str(), before.ways.get(direction));
        let (packets, seq) = (way.packets, way.last_seq);
        let chain: String = way.chain.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{name}_packets = {packets}, {name}_seq = {seq}, {name}_chain = '\\x{chain}'")
    };
    let count = before.segments.count;
    scene
        .sql(&format!(
            "delete from recording_segments where session = '{session}' and {count} <= number;
             update recordings set segments = {count}, {}, {} where session = '{session}';
             update sessions set state = 'done', closed_at = now(), end_reason = 'edge_lost',
               end_message = 'gone' where id = '{session}'",
            way(Direction::In),
            way(Direction::Out)
        ))
        .await?;
    let open = scene.verify(session, &[]).await?.findings;
    ensure!(open.first() == Some(&Finding::SegmentMissing(count)), "{open:?}");
    // The newest packets are still in the stream: the attacker took them out, too.
    scene.bus.jetstream().get_stream(hoop_bus::stream::AUDIT).await?.purge().await?;
    let mut scene = scene;
    scene.limits.abandoned_after = std::time::Duration::from_millis(300);
    // Something has to remind the next writer of the session.
    let reminder = edge.published.inward.first().cloned().context("no first packet")?;
    edge.publish(&scene.bus, Direction::In, reminder).await?;
    let _second = scene.writer().await?;
    scene.manifest(session).await?;
    let findings = scene.verify(session, &[]).await?.findings;
    let expected = Direction::BOTH.map(|direction| Finding::BehindCheckpoint {
        direction,
        found: before.ways.get(direction).last_seq,
        signed: after.ways.get(direction).last_seq,
    });
    ensure!(findings == expected, "{findings:?}");
    Ok(())
}
