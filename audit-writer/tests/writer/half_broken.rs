//! A store that fails every other request, and a database that is away at the worst moment.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;
use hoop_bus::stream::AUDIT;
use hoop_domain::manifest::SigningKey;
use hoop_testkit::{eventually, s3};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};

use crate::{
    bucket::{BUCKET, settings},
    edge::Edge,
    scene::Scene,
};

/// Before an S3 server: of the requests, about half fail, each in one of three ways.
struct HalfBroken {
    port: u16,
    /// How many were asked, and how many of them failed.
    asked: Arc<AtomicU64>,
    failed: Arc<AtomicU64>,
}

impl HalfBroken {
    async fn before(server: u16) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let (asked, failed) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let (count, failures) = (asked.clone(), failed.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (count, failures) = (count.clone(), failures.clone());
                tokio::spawn(async move {
                    // Whoever hangs up has had enough.
                    let _gone = one_request(client, server, &count, &failures).await;
                });
            }
        });
        Ok(Self { port, asked, failed })
    }
}

/// How the request of this number fails, if it does; the same in every run.
fn fate(number: u64) -> Option<u8> {
    let dice = *blake3::hash(&number.to_be_bytes()).as_bytes();
    dice[0].is_multiple_of(2).then_some(dice[1] % 3)
}

/// Each connection has one request: every answer says that no more will be read.
async fn one_request(
    mut client: TcpStream,
    server: u16,
    asked: &AtomicU64,
    failed: &AtomicU64,
) -> Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await?);
    }
    let head = String::from_utf8(head)?;
    let fate = fate(asked.fetch_add(1, Ordering::Relaxed));
    failed.fetch_add(u64::from(fate.is_some()), Ordering::Relaxed);
    match fate {
        Some(0) => {
            // Nothing of the body is read: the upload is cut in its middle.
            client.read_u8().await?;
            return Ok(());
        }
        Some(status) => {
            let status = if status == 1 { "503 Slow Down" } else { "500 Internal Server Error" };
            let answer =
                format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
            client.write_all(answer.as_bytes()).await?;
            client.shutdown().await?;
            // What is still coming is read, so that the answer is not lost with a reset.
            tokio::io::copy(&mut client, &mut tokio::io::sink()).await?;
            return Ok(());
        }
        None => {}
    }
    let mut upstream = TcpStream::connect(("127.0.0.1", server)).await?;
    let kept =
        |line: &&str| !line.is_empty() && !line.to_ascii_lowercase().starts_with("connection:");
    let kept: Vec<&str> = head.lines().filter(kept).collect();
    let head = kept.join("\r\n") + "\r\nConnection: close\r\n\r\n";
    upstream.write_all(head.as_bytes()).await?;
    copy_bidirectional(&mut client, &mut upstream).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_fails_half_of_the_requests_gets_every_segment_once_and_whole() -> Result<()>
{
    let s3 = s3().await?;
    s3.bucket(BUCKET).await?;
    let broken = HalfBroken::before(s3.port()).await?;
    let mut scene = Scene::new().await?;
    let mut bucket = settings(&s3);
    bucket.endpoint = Some(format!("http://127.0.0.1:{}", broken.port));
    scene.bucket = Some(bucket);
    scene.limits.segment_bytes = 64 * 1024;
    let _writer = scene.writer().await?;
    let mut edges = Vec::new();
    for _ in 0..4 {
        let mut edge = scene.session().await?;
        edge.start(&scene.bus).await?;
        edge.talk(&scene.bus, 12, 10_000).await?;
        edge.end_both(&scene.bus).await?;
        edges.push(edge);
    }
    // What is read back comes from the server itself.
    eventually("everything to be recorded", async || {
        for edge in &edges {
            scene.store.manifest_of(edge.session).await?.context("not finished")?;
        }
        Ok(())
    })
    .await?;
    scene.bucket = Some(settings(&s3));
    let key = SigningKey::from_seed(&scene.seed)?.public_key();
    for edge in &edges {
        scene.expect_whole(edge).await?;
        // The bytes are compared above; here it is the chain, the manifest and its key.
        let stored = scene.store.manifest_of(edge.session).await?.context("no manifest")?;
        ensure!(key.verify(&stored.encoded, &stored.signature).is_ok(), "another signature");
    }
    let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
    let (asked, failed) = (count(&broken.asked), count(&broken.failed));
    ensure!(asked < failed * 4, "only {failed} of {asked} requests failed");
    scene.expect_drained().await
}

/// How many messages of the stream no writer has been sent yet.
async fn not_delivered(scene: &Scene) -> Result<u64> {
    let stream = scene.bus.jetstream().get_stream(AUDIT).await?;
    let mut left = 0;
    for partition in 0..8 {
        let name = format!("writer-{partition}");
        let info = stream.consumer_info(&name).await?;
        left += info.num_pending;
    }
    Ok(left)
}

#[tokio::test(flavor = "multi_thread")]
async fn many_segments_and_ends_that_wait_for_the_database_are_all_stored_when_it_is_back()
-> Result<()> {
    const SESSIONS: usize = 40;
    let mut scene = Scene::alone().await?;
    scene.limits.segment_bytes = 64 * 1024;
    let _writer = scene.writer().await?;
    let org = scene.org().await?;
    let mut edges: Vec<Edge> = (0..SESSIONS).map(|_| Edge::new(org)).collect();
    scene.authorize_all(&edges).await?;
    try_join_all(edges.iter_mut().map(|edge| edge.start(&scene.bus))).await?;
    eventually("every session to be open", async || {
        let open = scene.sql("select count(*) from sessions where state = 'open'").await?;
        ensure!(open == SESSIONS.to_string(), "{open} are");
        Ok(())
    })
    .await?;
    let before = scene.in_stream().await?;
    scene.postgres.stop()?;
    let talks = edges.iter_mut().map(async |edge| {
        edge.talk(&scene.bus, 12, 10_000).await?;
        edge.end_both(&scene.bus).await
    });
    try_join_all(talks).await?;
    eventually("the writer to have everything", async || {
        let left = not_delivered(&scene).await?;
        ensure!(left == 0, "{left} packets are not delivered");
        Ok(())
    })
    .await?;
    let waiting = before + u64::try_from(SESSIONS * (12 * 2 + 2))?;
    ensure!(scene.in_stream().await? == waiting, "something was given up or acknowledged");
    scene.postgres.start().await?;
    let key = SigningKey::from_seed(&scene.seed)?.public_key();
    for edge in &edges {
        scene.expect_whole(edge).await?;
        let checked = scene.verify(edge.session, &[key]).await?;
        ensure!(checked.findings.is_empty(), "{:?}", checked.findings);
    }
    scene.expect_drained().await
}
