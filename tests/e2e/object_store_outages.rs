//! Buckets that die, refuse or say nothing while sessions are recorded: it costs time, and no byte.

use anyhow::ensure;
use hoop_testkit::{Tap, eventually, s3};
use hoop_tests::{
    Gateway, Options, Rest,
    gateway::CONNECTION,
    rest::{Packet, text},
};

use crate::{
    Result,
    live::{Talker, live},
    object_store::{BUCKET, stored_in},
    recording::finished,
};

const BOTH: &[&str] = &["api", "audit-writer"];

async fn gateway(port: u16) -> Result<Gateway> {
    let url = format!("http://127.0.0.1:{port}");
    Gateway::start(stored_in(Options::default(), &url, BOTH)).await
}

/// Waits until the audit-writer has logged these words.
async fn complains(gateway: &Gateway, words: &str) -> Result {
    eventually("the writer to say what is wrong", async || {
        ensure!(gateway.audit_writer.log().contains(words), "it does not say {words:?}");
        Ok(())
    })
    .await
}

/// Fails unless a finished recording is whole, has these words in its output, and is in the bucket.
async fn is_whole(gateway: &Gateway, id: &str, words: &[&str]) -> Result {
    let recording = gateway.rest.recording(id).await?;
    recording.is_complete()?;
    let output = String::from_utf8_lossy(&recording.output_bytes()?).into_owned();
    for words in words {
        ensure!(output.contains(words), "the recording of {id} has no {words:?}");
    }
    let ways = [&recording.input, &recording.output];
    let ends = ways.map(|way| way.last().map(Packet::kind));
    ensure!(ends == [Some("session_end"); 2], "{ends:?}");
    let flaws = gateway.run_on_state("select count(*) from recording_flaws").await?;
    ensure!(flaws.trim() == "0", "{flaws} flaws");
    let rows = gateway.run_on_state("select count(stored) from recording_segments").await?;
    ensure!(rows.trim() == "0", "{rows} segments are in the database");
    Ok(())
}

/// The session of the usual connection that is not `known`, when it is done.
async fn other_done(rest: &Rest, known: &str) -> Result<String> {
    let all = rest.sessions(&format!("connection={CONNECTION}")).await?;
    let others: Vec<_> = all.iter().filter(|session| text(session, "id") != known).collect();
    let [other] = others[..] else { anyhow::bail!("{} others", others.len()) };
    Ok(text(&rest.session_done(text(other, "id")).await?, "id").to_owned())
}

#[tokio::test]
async fn a_store_that_dies_in_the_middle_of_an_upload_costs_no_session_a_byte() -> Result {
    let s3 = s3().await?;
    s3.bucket(BUCKET).await?;
    let mut tap = Tap::start(s3.port()).await?;
    let gateway = gateway(tap.port).await?;
    let mut psql = Talker::start(&gateway.access(1).await?)?;
    psql.tell("select 'the ' || 'beginning'").await?;
    let id = live(&gateway.rest).await?;
    eventually("the first segment", async || {
        ensure!(!s3.keys(BUCKET).await?.is_empty(), "none");
        Ok(())
    })
    .await?;

    // Digests don't compress, so the next segment is long enough to be cut in its middle.
    let noise = "select string_agg(md5(i::text), '') || ' noise' from generate_series(1, 30000) i";
    let (cut, told) = tokio::join!(tap.cut_after(100_000), psql.tell(noise));
    cut.and(told)?;
    complains(&gateway, "bucket recordings can't be reached").await?;
    // Nobody notices: not this session, not another one, not one that begins now.
    psql.tell("select 'while it ' || 'was away'").await?;
    psql.tell("create table made_meanwhile (id int)").await?;
    eventually("the session to go on", async || {
        let there = gateway.target.run("select to_regclass('made_meanwhile')").await?;
        ensure!(!there.is_empty(), "the statement has not run");
        Ok(())
    })
    .await?;
    assert_eq!(gateway.access(0).await?.answer("select 'unharmed'").await?, "unharmed");

    tap.heal().await?;
    psql.tell("select 'and ' || 'afterwards'").await?;
    psql.end().await?;
    gateway.rest.session_done(&id).await?;
    let words = ["the beginning", " noise", "while it was away", "and afterwards"];
    is_whole(&gateway, &id, &words).await?;
    let other = other_done(&gateway.rest, &id).await?;
    is_whole(&gateway, &other, &["unharmed"]).await
}

#[tokio::test]
async fn a_bucket_that_is_read_only_is_complained_of_and_gets_everything_later() -> Result {
    let s3 = s3().await?;
    s3.bucket(BUCKET).await?;
    s3.deny(BUCKET, "s3:PutObject").await?;
    let gateway = gateway(s3.port()).await?;
    assert_eq!(gateway.access(1).await?.answer("select 'kept'").await?, "kept");
    complains(&gateway, "bucket recordings does not let us write objects (").await?;
    complains(&gateway, "check its policy and our credentials").await?;
    ensure!(s3.keys(BUCKET).await?.is_empty(), "it took something");
    // What waits in the stream is shown.
    let id = live(&gateway.rest).await?;
    let waiting = gateway.rest.recording(&id).await?;
    s3.permit(BUCKET).await?;
    let id = finished(&gateway.rest).await?;
    is_whole(&gateway, &id, &["kept"]).await?;
    let stored = gateway.rest.recording(&id).await?;
    ensure!(stored.output_bytes()?.starts_with(&waiting.output_bytes()?));
    Ok(())
}

#[tokio::test]
async fn while_a_bucket_says_nothing_sessions_begin_go_on_and_end() -> Result {
    let s3 = s3().await?;
    s3.bucket(BUCKET).await?;
    let gateway = gateway(s3.port()).await?;
    let mut psql = Talker::start(&gateway.access(0).await?)?;
    psql.tell("select 'the ' || 'beginning'").await?;
    let id = live(&gateway.rest).await?;
    eventually("the first segment", async || {
        ensure!(!s3.keys(BUCKET).await?.is_empty(), "none");
        Ok(())
    })
    .await?;
    s3.freeze()?;
    psql.tell("select 'in the ' || 'silence'").await?;
    assert_eq!(gateway.access(1).await?.answer("select 'unharmed'").await?, "unharmed");
    psql.end().await?;
    s3.thaw()?;
    gateway.rest.session_done(&id).await?;
    is_whole(&gateway, &id, &["the beginning", "in the silence"]).await?;
    let other = other_done(&gateway.rest, &id).await?;
    is_whole(&gateway, &other, &["unharmed"]).await
}
