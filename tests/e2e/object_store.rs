//! Recordings in a bucket, with the whole gateway around it.

use anyhow::{Context, ensure};
use hoop_testkit::{S3, eventually, s3};
use hoop_tests::{Gateway, Tap, gateway::Options};

use crate::{Result, recording::finished};

pub(crate) const BUCKET: &str = "recordings";

/// A gateway that stores in the bucket of `s3`.
async fn gateway(s3: &S3) -> Result<Gateway> {
    Gateway::start(stored_in(Options::default(), &s3.url(), &["api", "audit-writer"])).await
}

/// What these processes need to know of the bucket at `url`.
pub(crate) fn stored_in(
    mut options: Options,
    url: &str,
    processes: &'static [&'static str],
) -> Options {
    for process in processes {
        options = options
            .with(process, "S3_BUCKET", BUCKET)
            .with(process, "S3_ENDPOINT", url)
            .with(process, "S3_PREFIX", "hoop")
            .with(process, "AWS_ACCESS_KEY_ID", "test")
            .with(process, "AWS_SECRET_ACCESS_KEY", "test");
    }
    options
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
async fn the_end_of_a_recording_is_shown_without_fetching_what_comes_before() -> Result {
    let s3 = s3().await?;
    s3.bucket(BUCKET).await?;
    // Only what the api reads goes through the tap.
    let tap = Tap::start(s3.port()).await?;
    let fetched = || {
        let sent = String::from_utf8_lossy(&tap.from_client()).into_owned();
        sent.matches("GET /recordings/hoop/").count()
    };
    let options = Options::default().with("audit-writer", "AUDIT_SEGMENT_BYTES", "65536");
    let options = stored_in(options, &s3.url(), &["audit-writer"]);
    let through = format!("http://127.0.0.1:{}", tap.port);
    let gateway = Gateway::start(stored_in(options, &through, &["api"])).await?;
    gateway.access(1).await?.answer("select repeat('x', 12000000)").await?;
    let id = finished(&gateway.rest).await?;
    let segments = gateway.run_on_state("select count(*) from recording_segments").await?;
    let segments: usize = segments.trim().parse()?;
    ensure!(8 < segments, "only {segments} segments");

    let tail = gateway.rest.tail(&id, None, |_| false).await?;
    let whole = fetched();
    ensure!(segments <= whole, "{whole} of {segments} segments were fetched");
    // On from a place close to the end, as a replay goes on that was cut off.
    let close = tail.packets.len() - 3;
    let (place, _) = tail.packets.get(close).context("few packets")?;
    let rest = gateway.rest.tail(&id, Some(place), |_| false).await?;
    ensure!(rest.packets.len() == 2 && rest.end.is_some(), "{:?}", rest.packets);
    let after_tail = fetched();
    ensure!(after_tail - whole <= 2, "{} segments for two packets", after_tail - whole);

    let page = format!("/api/sessions/{id}/packets?limit=2&cursor={place}");
    let page = gateway.rest.get(&page).await?;
    let shown = page.get("data").and_then(|data| data.as_array()).map_or(0, Vec::len);
    ensure!(shown == 2, "{page}");
    let after_page = fetched();
    ensure!(after_page - after_tail <= 2, "{} for a page", after_page - after_tail);

    let seq = tail.packets.iter().rev().find(|(_, packet)| packet.0["direction"] == "out");
    let seq = seq.context("nothing came out")?.1.seq() - 1;
    let last = format!("/api/sessions/{id}/packets?direction=out&after_seq={seq}");
    let last = gateway.rest.get(&last).await?;
    let shown = last.get("data").and_then(|data| data.as_array()).map_or(0, Vec::len);
    ensure!(shown == 1, "{last}");
    let after_last = fetched();
    ensure!(after_last - after_page == 1, "{} for the last packet", after_last - after_page);
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
