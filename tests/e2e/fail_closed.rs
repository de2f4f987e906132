//! What can't be recorded is not opened, and what is open is not cut for it.

use anyhow::ensure;
use hoop_testkit::eventually;
use hoop_tests::{Gateway, Psql, gateway::CONNECTION, rest::text};

use crate::{
    Result,
    live::{Talker, live},
};

/// Whatever disk this is, it is above the first and below the second.
const FULL: &str = "0%";
const EMPTY: &str = "100%";

#[tokio::test]
async fn a_disk_above_its_watermark_refuses_new_sessions_and_says_so_and_open_ones_go_on() -> Result
{
    let mut gateway = Gateway::usual().await?;
    let access = gateway.access(0).await?;
    let mut psql = Talker::start(&access)?;
    psql.tell("select 'the beginning'").await?;
    let id = live(&gateway.rest).await?;
    gateway.audit_writer.stop()?;
    gateway.audit_writer.set("AUDIT_SPOOL_HIGH_WATERMARK", FULL);
    gateway.audit_writer.set("AUDIT_SPOOL_LOW_WATERMARK", FULL);
    gateway.audit_writer.start()?;
    for edge in 0..2 {
        let access = gateway.access(edge).await?;
        let complaint = eventually("a refusal", async || {
            Psql(access.psql().args(["-c", "select 1"]).output().await?).failure()
        })
        .await?;
        ensure!(complaint.contains("recording disk is nearly full"), "{complaint}");
    }
    psql.tell("select 'the end'").await?;
    gateway.audit_writer.stop()?;
    gateway.audit_writer.set("AUDIT_SPOOL_HIGH_WATERMARK", EMPTY);
    gateway.audit_writer.set("AUDIT_SPOOL_LOW_WATERMARK", EMPTY);
    gateway.audit_writer.start()?;
    eventually("a new session", async || access.answer("select 1").await).await?;
    psql.end().await?;
    gateway.rest.session_done(&id).await?;
    let output = gateway.rest.recording(&id).await?.output_bytes()?;
    ensure!(output.windows(7).any(|window| window == b"the end"), "it was not recorded");
    Ok(())
}

#[tokio::test]
async fn a_writer_that_is_away_for_some_seconds_is_no_reason_to_refuse_anybody() -> Result {
    let mut gateway = Gateway::usual().await?;
    let access = gateway.access(0).await?;
    gateway.audit_writer.kill()?;
    access.answer("select 'while nobody writes'").await?;
    gateway.run_on_state("update partition_leases set seen_at = now() - interval '2 min'").await?;
    let complaint = Psql(access.psql().args(["-c", "select 1"]).output().await?).failure()?;
    ensure!(complaint.contains("can't be recorded"), "{complaint}");
    gateway.audit_writer.start()?;
    eventually("a new session", async || access.answer("select 1").await).await?;
    Ok(())
}

#[tokio::test]
async fn open_sessions_do_not_notice_that_api_is_gone() -> Result {
    let mut gateway = Gateway::usual().await?;
    for edge in 0..2 {
        let access = gateway.access(edge).await?;
        let mut psql = Talker::start(&access)?;
        psql.tell("select 'before'").await?;
        let id = eventually("an open session", async || {
            let all =
                gateway.rest.sessions(&format!("connection={CONNECTION}&status=open")).await?;
            let [session] = &all[..] else { anyhow::bail!("{} sessions", all.len()) };
            Ok(text(session, "id").to_owned())
        })
        .await?;
        gateway.api.kill()?;
        psql.tell("select 'meanwhile'").await?;
        psql.end().await?;
        gateway.api.start()?;
        gateway.rest.session_done(&id).await?;
        let output = gateway.rest.recording(&id).await?.output_bytes()?;
        ensure!(output.windows(9).any(|window| window == b"meanwhile"), "edge {edge}: cut off");
    }
    Ok(())
}
