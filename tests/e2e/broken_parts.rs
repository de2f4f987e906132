//! Every part is killed once, at a bad moment. Nothing passes unrecorded, and nothing recorded is lost.

use anyhow::{Context, ensure};
use hoop_testkit::eventually;
use hoop_tests::{Gateway, Psql, Tap, gateway::CONNECTION, rest::text};

use crate::{
    Result,
    ending::{complaint, not_running, running, sleeper},
    recording::finished,
};

/// A statement whose answer is far larger than all buffers on its way.
const FLOOD: &str =
    "copy (select i, repeat('x', 1000) from generate_series(1, 2000000) i) to stdout";

/// What came after the login: everything past the first `ReadyForQuery`.
fn after_login(mut bytes: &[u8]) -> Result<&[u8]> {
    loop {
        let (kind, rest) = bytes.split_first().context("the login did not finish")?;
        let (length, _) = rest.split_first_chunk::<4>().context("the login did not finish")?;
        let length = usize::try_from(u32::from_be_bytes(*length))?;
        bytes = rest.get(length..).context("the login did not finish")?;
        if *kind == b'Z' {
            return Ok(bytes);
        }
    }
}

#[tokio::test]
async fn who_connects_while_the_only_api_is_restarted_waits_and_is_let_in() -> Result {
    let mut gateway = Gateway::usual().await?;
    let access = gateway.access(1).await?;
    gateway.api.stop()?;
    let asked = tokio::spawn(async move { access.answer("select 42").await });
    eventually("the edge to find no api", async || {
        ensure!(gateway.edge(1)?.service.log().contains("nobody is there to answer"));
        Ok(())
    })
    .await?;
    gateway.api.start()?;
    assert_eq!(asked.await??, "42");
    Ok(())
}

#[tokio::test]
async fn a_client_on_the_agents_edge_gets_no_byte_that_the_recording_lacks_when_the_broker_is_killed()
-> Result {
    broker_killed_mid_transfer(0).await
}

#[tokio::test]
async fn a_client_on_another_edge_gets_no_byte_that_the_recording_lacks_when_the_broker_is_killed()
-> Result {
    broker_killed_mid_transfer(1).await
}

async fn broker_killed_mid_transfer(edge: usize) -> Result {
    let mut gateway = Gateway::usual().await?;
    let access = gateway.access(edge).await?;
    let tap = Tap::start(access.port).await?;
    let psql = access
        .by_port(tap.port)
        .psql()
        .env("PGSSLMODE", "disable")
        .args(["-c", FLOOD])
        .stdout(std::process::Stdio::null())
        .spawn()?;
    eventually("the transfer to be in full flow", async || {
        ensure!(8_000_000 < tap.heard_from_server(), "{} bytes", tap.heard_from_server());
        Ok(())
    })
    .await?;
    gateway.nats.kill()?;
    // In the middle of a message of the target nothing else can be said to the client.
    complaint(psql).await?;
    gateway.nats.restart().await?;
    let session = gateway.rest.only_session(CONNECTION).await?;
    let id = text(&session, "id");
    let closed = gateway.rest.session_given_up(id).await?;
    assert_eq!(text(&closed, "end_reason"), "recording_unavailable", "{closed}");
    let recorded = gateway.rest.recording(id).await?.output_bytes()?;
    let heard = tap.from_server();
    let got = after_login(&heard)?;
    let same = got.iter().zip(&recorded).take_while(|(got, recorded)| got == recorded).count();
    // After what was recorded comes the edge's own farewell, or nothing.
    let rest = got.get(same..).unwrap_or_default();
    ensure!(8_000_000 < same, "edge {edge}: only {same} bytes are in the recording");
    ensure!(
        rest.is_empty() || (rest.first() == Some(&b'E') && rest.len() < 1000),
        "edge {edge}: the client got {} bytes that were not recorded",
        rest.len()
    );
    Ok(())
}

/// A statement that ends after the broker was killed: its answer must not get through.
async fn told_so(edge: usize) -> Result {
    let mut gateway = Gateway::usual().await?;
    let access = gateway.access(edge).await?;
    let psql = access.psql().args(["-At", "-c", "select pg_sleep(2), 'unheard'"]).spawn()?;
    running(&gateway, "unheard").await?;
    gateway.nats.kill()?;
    let output = psql.wait_with_output().await?;
    ensure!(!String::from_utf8_lossy(&output.stdout).contains("unheard"), "{output:?}");
    let complaint = Psql(output).failure()?;
    ensure!(complaint.contains("can't be recorded"), "edge {edge}: {complaint}");
    // What the client was told is what is on record, however late the broker comes back.
    gateway.nats.restart().await?;
    let session = gateway.rest.only_session(CONNECTION).await?;
    let closed = gateway.rest.session_given_up(text(&session, "id")).await?;
    assert_eq!(text(&closed, "end_reason"), "recording_unavailable", "edge {edge}: {closed}");
    Ok(())
}

#[tokio::test]
async fn a_client_is_told_when_its_session_can_no_longer_be_recorded() -> Result {
    told_so(0).await
}

#[tokio::test]
async fn a_client_on_another_edge_is_told_too() -> Result {
    told_so(1).await
}

#[tokio::test]
async fn sessions_work_again_when_the_broker_is_back() -> Result {
    let mut gateway = Gateway::usual().await?;
    let access = gateway.access(1).await?;
    access.answer("select 1").await?;
    gateway.nats.kill()?;
    gateway.nats.restart().await?;
    eventually("sessions to work again", async || access.answer("select 1").await).await?;
    Ok(())
}

#[tokio::test]
async fn nobody_gets_in_while_nothing_can_be_recorded() -> Result {
    let mut gateway = Gateway::usual().await?;
    let access = gateway.access(0).await?;
    gateway.nats.kill()?;
    let complaint = access.query("select 1").await?.failure()?;
    ensure!(complaint.contains("FATAL"), "{complaint}");
    Ok(())
}

#[tokio::test]
async fn a_recording_is_finished_by_the_next_writer_even_when_the_spool_is_lost() -> Result {
    let mut gateway = Gateway::usual().await?;
    let psql = gateway
        .access(1)
        .await?
        .psql()
        .args(["-At", "-c", "select repeat('a', 3000000)", "-c", "select pg_sleep(60)"])
        .stdout(std::process::Stdio::null())
        .spawn()?;
    running(&gateway, "pg_sleep").await?;
    gateway.audit_writer.kill()?;
    std::fs::remove_dir_all(gateway.spool())?;
    drop(psql);
    not_running(&gateway, "pg_sleep").await?;
    gateway.audit_writer.start()?;
    let id = finished(&gateway.rest).await?;
    let recording = gateway.rest.recording(&id).await?;
    recording.is_complete()?;
    ensure!(3_000_000 < recording.output_bytes()?.len(), "a part is missing");
    Ok(())
}

#[tokio::test]
async fn a_second_writer_takes_over_from_a_killed_one() -> Result {
    let mut gateway = Gateway::usual().await?;
    let mut second = gateway.another_audit_writer();
    second.start()?;
    gateway.access(1).await?.answer("select 1").await?;
    gateway.audit_writer.kill()?;
    gateway.access(0).await?.answer("select 2").await?;
    for session in gateway.rest.sessions("").await? {
        gateway.rest.session_done(text(&session, "id")).await?;
    }
    second.stop()
}

#[tokio::test]
async fn a_session_goes_on_without_the_api_and_its_end_is_known_later() -> Result {
    let mut gateway = Gateway::usual().await?;
    let psql = gateway
        .access(1)
        .await?
        .psql()
        .args(["-At", "-c", "select pg_sleep(3), 'rested'"])
        .spawn()?;
    running(&gateway, "rested").await?;
    gateway.api.kill()?;
    let output = Psql(psql.wait_with_output().await?);
    ensure!(output.success()?.contains("rested"), "{output:?}");
    gateway.api.start()?;
    finished(&gateway.rest).await?;
    Ok(())
}

#[tokio::test]
async fn a_killed_agent_ends_its_sessions_with_the_reason() -> Result {
    for edge in 0..2 {
        let mut gateway = Gateway::usual().await?;
        let psql = sleeper(&gateway, &gateway.access(edge).await?).await?;
        gateway.agent_mut()?.kill()?;
        let complaint = complaint(psql).await?;
        ensure!(complaint.contains("agent"), "edge {edge}: {complaint}");
        let session = gateway.rest.only_session(CONNECTION).await?;
        let session = gateway.rest.session_done(text(&session, "id")).await?;
        assert_eq!(text(&session, "end_reason"), "agent_lost");
    }
    Ok(())
}

/// A session that loses this edge: closed, with a reason, and its recording finished.
async fn loses_edge(killed: usize, reason: &str) -> Result {
    let mut gateway = Gateway::usual().await?;
    let psql = sleeper(&gateway, &gateway.access(1).await?).await?;
    let session = gateway.rest.only_session(CONNECTION).await?;
    gateway.edge_mut(killed)?.kill()?;
    let closed = gateway.rest.session_given_up(text(&session, "id")).await?;
    assert_eq!(text(&closed, "end_reason"), reason, "{closed}");
    complaint(psql).await?;
    not_running(&gateway, "pg_sleep").await
}

#[tokio::test]
async fn a_session_whose_edge_was_killed_is_closed_and_its_recording_finished() -> Result {
    loses_edge(1, "edge_lost").await
}

#[tokio::test]
async fn a_session_whose_agents_edge_was_killed_is_closed_and_its_recording_finished() -> Result {
    loses_edge(0, "agent_lost").await
}
