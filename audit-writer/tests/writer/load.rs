//! Very many sessions at once, and a very long one.

use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;
use hoop_domain::{Direction, manifest::SigningKey};

use crate::{edge::Edge, scene::Scene};

/// `E2E_SESSION_MIB` is how long the session is; 5000 takes minutes, and twice that of disk.
fn long_session_mib() -> u64 {
    let mib = std::env::var_os("E2E_SESSION_MIB");
    mib.and_then(|mib| mib.to_str()?.parse().ok()).unwrap_or(160)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_sessions_that_close_at_once_are_all_whole() -> Result<()> {
    let scene = Scene::new().await?;
    let _writer = scene.writer().await?;
    let org = scene.org().await?;
    let mut edges: Vec<Edge> = (0..1000).map(|_| Edge::new(org)).collect();
    scene.authorize_all(&edges).await?;
    for some in edges.chunks_mut(50) {
        let talks = some.iter_mut().map(async |edge| {
            edge.start(&scene.bus).await?;
            edge.talk(&scene.bus, 1, 200).await
        });
        try_join_all(talks).await?;
    }
    try_join_all(edges.iter_mut().map(|edge| edge.end_both(&scene.bus))).await?;
    for edge in &edges {
        scene.expect_whole(edge).await?;
    }
    scene.expect_drained().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_any_length_is_recorded_to_its_end() -> Result<()> {
    const PIECE: usize = 256 * 1024;
    let scene = Scene::new().await?;
    let _writer = scene.writer().await?;
    let mut edge = scene.session().await?;
    edge.start(&scene.bus).await?;
    let mib = long_session_mib();
    for number in 0..mib {
        for piece in 0..4 {
            let mut data = vec![0; PIECE];
            let seed = (number * 4 + piece).to_be_bytes();
            blake3::Hasher::new().update(&seed).finalize_xof().fill(&mut data);
            edge.say_data(&scene.bus, Direction::Out, data.into()).await?;
        }
        // Nobody has memory for all of it.
        edge.published.outward.clear();
    }
    edge.end_both(&scene.bus).await?;
    let manifest = hoop_testkit::eventually_after(4, "the manifest", async || {
        scene.store.manifest_of(edge.session).await?.context("not finished")
    })
    .await?;
    let manifest = hoop_domain::manifest::Manifest::parse(&manifest.encoded)?;
    ensure!(manifest.ways.outward.packets == mib * 4 + 1, "{:?}", manifest.ways);
    let stored: u64 = manifest.segments.iter().map(|segment| segment.stored_bytes).sum();
    ensure!(mib * 1024 * 1024 <= stored, "{stored} bytes are stored");
    let key = SigningKey::from_seed(&scene.seed)?.public_key();
    let checked = scene.verify(edge.session, &[key]).await?;
    ensure!(checked.findings.is_empty(), "{:?}", checked.findings);
    ensure!(checked.packets.outward == mib * 4 + 1, "{:?}", checked.packets);
    println!("{mib} MiB in {} segments", checked.segments);
    scene.expect_drained().await
}
