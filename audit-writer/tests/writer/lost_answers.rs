//! A database that commits, and whose answer nobody gets.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use hoop_domain::{Both, Direction, Partition, SessionId, manifest::SigningKey};
use hoop_store::recording::{Head, Segment, Write, WriterId};
use hoop_testkit::eventually;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::scene::Scene;

/// Before a database: the answer to the first commit after a certain statement is lost, and
/// the connection with it.
struct Forgetful {
    port: u16,
    forgot: Arc<AtomicBool>,
}

impl Forgetful {
    async fn before(server: u16, statement: &'static str) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let forgot = Arc::new(AtomicBool::new(false));
        let all = Arc::clone(&forgot);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let forgot = Arc::clone(&all);
                tokio::spawn(async move {
                    // Whoever hangs up has had enough.
                    let _gone = relay(client, server, statement, &forgot).await;
                });
            }
        });
        Ok(Self { port, forgot })
    }
}

async fn relay(
    mut client: TcpStream,
    server: u16,
    statement: &str,
    forgot: &AtomicBool,
) -> Result<()> {
    let mut server = TcpStream::connect(("127.0.0.1", server)).await?;
    let (mut asked, mut answered) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    // What was asked since the last answer: a statement may come in pieces.
    let (mut question, mut armed) = (Vec::new(), false);
    loop {
        tokio::select! {
            size = client.read(&mut asked) => {
                let piece = asked.get(..size?).filter(|piece| !piece.is_empty());
                let piece = piece.context("the client hung up")?;
                question.extend_from_slice(piece);
                armed |= has(&question, statement);
                server.write_all(piece).await?;
                if armed && has(&question, "COMMIT") && !forgot.swap(true, Ordering::Relaxed) {
                    server.read_u8().await?;
                    return Ok(());
                }
            }
            size = server.read(&mut answered) => {
                let piece = answered.get(..size?).filter(|piece| !piece.is_empty());
                client.write_all(piece.context("the server hung up")?).await?;
                question.clear();
            }
        }
    }
}

fn has(bytes: &[u8], words: &str) -> bool {
    bytes.windows(words.len()).any(|window| window == words.as_bytes())
}

/// Records a session while the answer to the commit with `statement` is lost.
async fn recorded_all_the_same(statement: &'static str) -> Result<()> {
    let mut scene = Scene::new().await?;
    let forgetful = Forgetful::before(scene.postgres.port(), statement).await?;
    scene.reach_database_through(forgetful.port);
    scene.limits.segment_bytes = 64 * 1024;
    let _writer = scene.writer().await?;
    let mut edge = scene.session().await?;
    edge.start(&scene.bus).await?;
    edge.talk(&scene.bus, 12, 10_000).await?;
    eventually("an answer to be lost, or the end to be due", async || {
        let stored = scene.sql("select count(*) from recording_segments").await?;
        ensure!(forgetful.forgot.load(Ordering::Relaxed) || stored != "0", "nothing is stored");
        Ok(())
    })
    .await?;
    edge.end_both(&scene.bus).await?;
    let mut after = scene.session().await?;
    after.start(&scene.bus).await?;
    after.end_both(&scene.bus).await?;
    scene.expect_whole(&edge).await?;
    scene.expect_whole(&after).await?;
    ensure!(forgetful.forgot.load(Ordering::Relaxed), "no answer was lost");
    scene.expect_drained().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_segment_that_was_stored_without_a_word_is_not_stored_again() -> Result<()> {
    recorded_all_the_same("INSERT INTO recording_segments").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_that_was_finished_without_a_word_is_finished_once() -> Result<()> {
    recorded_all_the_same("INSERT INTO manifests (").await
}

/// The first step of a recording only says that it has begun. Stored again after the first
/// segment, it would take the recording back to its beginning.
#[tokio::test(flavor = "multi_thread")]
async fn what_precedes_a_stored_step_is_stored() -> Result<()> {
    let scene = Scene::new().await?;
    let session = SessionId::generate();
    let lease = scene.store.lease_acquire(
        WriterId::generate(),
        Partition::of(session),
        Duration::from_secs(60),
    );
    let lease = lease.await?.context("the partition is not free")?;
    let start = || Both::from_fn(|direction| Head::start(session, direction));
    let at = hoop_domain::time::from_micros(1);
    let begin = Write {
        session,
        org: None,
        begun_at: at,
        ended_at: at,
        heads: start(),
        segment: None,
        flaws: Vec::new(),
        exit_code: None,
        finish: None,
    };
    let mut heads = start();
    heads.get_mut(Direction::In).packets = 3;
    let segment = Segment {
        number: 0,
        seqs: Both::from_fn(|_| Some((1, 3))),
        packets: 3,
        raw_bytes: 3,
        begun_at: at,
        ended_at: at,
        stored: vec![1],
        object: None,
        digest: [7; 32],
    };
    let store = Write { heads, segment: Some(segment), ..begin.clone() };
    let mut next = store.clone();
    next.segment.as_mut().context("no segment")?.number = 1;
    let key = SigningKey::from_seed(&[1; 32])?;
    scene.store.manifest_key_add(key.public_key()).await?;
    scene.store.recordings_commit(&lease, &[begin.clone(), store.clone()], &key).await?;
    let stored = scene.store.recordings_stored(&[begin, store, next]).await?;
    assert_eq!(stored, [true, true, false]);
    Ok(())
}
