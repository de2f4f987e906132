//! Recordings in a bucket, with the whole gateway around it.

use anyhow::{Context, ensure};
use hoop_testkit::{S3, eventually, s3};
use hoop_tests::{Gateway, gateway::Options};

use crate::{Result, recording::finished};

const BUCKET: &str = "recordings";

/// A gateway that stores in the bucket of `s3`.
async fn gateway(s3: &S3) -> Result<Gateway> {
    let mut options = Options::default();
    for process in ["api", "audit-writer"] {
        options = options
            .with(process, "S3_BUCKET", BUCKET)
            .with(process, "S3_ENDPOINT", s3.url())
            .with(process, "S3_PREFIX", "hoop")
            .with(process, "AWS_ACCESS_KEY_ID", "test")
            .with(process, "AWS_SECRET_ACCESS_KEY", "test");
    }
    Gateway::start(options).await
}

#[tokio::test]
async fn a_recording_in_a_bucket_is_read_like_any_other() -> Result {
    let s3 = s3().await?;
    s3.bucket(BUCKET).await?;
    let gateway = gateway(&s3).await?;
    gateway.access(1).await?.answer("select repeat('x', 100000)").await?;
    let id = finished(&gateway.rest).await?;
    let keys = s3.keys(BUCKET).await?;
    ensure!(keys.iter().any(|key| key.starts_with("hoop/") && key.contains(&id)), "{keys:?}");
    let rows = gateway.run_on_state("select count(stored) from recording_segments").await?;
    ensure!(rows.trim() == "0", "{rows} segments are in the database");
    let recording = gateway.rest.recording(&id).await?;
    recording.is_complete()?;
    ensure!(100_000 < recording.output_bytes()?.len());
    let statements = gateway.rest.get(&format!("/api/sessions/{id}/statements")).await?;
    ensure!(statements.to_string().contains("repeat('x', 100000)"), "{statements}");
    let mut whole = Vec::new();
    let path = format!("/api/sessions/{id}/download?format=raw-out");
    gateway.rest.download(&path, |piece| whole.extend_from_slice(piece)).await?;
    ensure!(whole == recording.output_bytes()?);
    Ok(())
}

#[tokio::test]
async fn a_part_of_a_download_is_that_part() -> Result {
    let s3 = s3().await?;
    s3.bucket(BUCKET).await?;
    let gateway = gateway(&s3).await?;
    gateway.access(1).await?.answer("select repeat('x', 300000)").await?;
    let id = finished(&gateway.rest).await?;
    let url = format!("{}/api/sessions/{id}/download", gateway.api_url);
    let token = gateway.rest.token().context("not logged in")?;
    let client = reqwest::Client::builder().no_proxy().build()?;
    let get = async |range: &str| {
        let request = client.get(&url).bearer_auth(token).header("range", range);
        let response = request.send().await?;
        let header = response.headers().get("content-range").cloned();
        let header = header.map(|value| value.to_str().map(str::to_owned)).transpose()?;
        let status = response.status().as_u16();
        anyhow::Ok((status, header.unwrap_or_default(), response.bytes().await?))
    };
    let whole = client.get(&url).bearer_auth(token).send().await?.bytes().await?;
    let total = whole.len();
    let (status, header, part) = get("bytes=100000-200000").await?;
    ensure!((status, header) == (206, format!("bytes 100000-200000/{total}")));
    ensure!(part == whole.slice(100_000..=200_000));
    let (status, _, rest) = get(&format!("bytes={}-", total - 10)).await?;
    ensure!(status == 206 && rest == whole.slice(total - 10..));
    let (status, header, _) = get(&format!("bytes={total}-")).await?;
    ensure!((status, header) == (416, format!("bytes */{total}")));
    Ok(())
}

#[tokio::test]
async fn a_bucket_that_comes_late_gets_what_waited_and_the_session_was_seen_meanwhile() -> Result {
    let s3 = s3().await?;
    let gateway = gateway(&s3).await?;
    gateway.access(1).await?.answer("select 1").await?;
    let session = gateway.rest.only_session(hoop_tests::gateway::CONNECTION).await?;
    let id = hoop_tests::rest::text(&session, "id").to_owned();
    eventually("the writer to say what is wrong", async || {
        let log = gateway.audit_writer.log();
        ensure!(log.contains("there is no bucket recordings"), "not yet");
        Ok(())
    })
    .await?;
    // Nothing is stored, and everything is shown: the stream has it.
    let waiting = gateway.rest.recording(&id).await?;
    waiting.is_complete()?;
    ensure!(waiting.input.last().is_some_and(|packet| packet.kind() == "session_end"));
    s3.bucket(BUCKET).await?;
    gateway.rest.session_done(&id).await?;
    let stored = gateway.rest.recording(&id).await?;
    ensure!(stored.input_bytes()? == waiting.input_bytes()?);
    ensure!(stored.output_bytes()? == waiting.output_bytes()?);
    Ok(())
}
