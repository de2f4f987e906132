//! The stream AUDIT is full, or gone, while sessions are open: they stall, and go on or end in
//! words. Nothing passes unrecorded, and nobody new gets in without the reason.

use std::process::Stdio;

use anyhow::ensure;
use async_nats::jetstream;
use hoop_domain::{DenialCode, EndReason};
use hoop_testkit::{Tap, eventually, eventually_after};
use hoop_tests::{
    Access, Gateway, Options, Psql,
    gateway::CONNECTION,
    rest::{Packet, text},
};

use crate::{Result, audit_levels::Asker};

const AUDIT: &str = "AUDIT";

async fn broker(gateway: &Gateway) -> Result<jetstream::Context> {
    Ok(jetstream::new(async_nats::connect(gateway.nats.url()).await?))
}

/// What the stream may hold, from now on. Returns what it was before.
async fn set_room(gateway: &Gateway, bytes: i64) -> Result<i64> {
    let broker = broker(gateway).await?;
    let mut stream = broker.get_stream(AUDIT).await?;
    let mut config = stream.info().await?.config.clone();
    let before = std::mem::replace(&mut config.max_bytes, bytes);
    broker.update_stream(config).await?;
    Ok(before)
}

/// Waits until nobody gets in by `access`, in these words. Who came before that was known waits
/// for the broker as everybody else does.
async fn refused(access: &Access, words: &str) -> Result {
    eventually("a refusal", async || {
        let mut psql = access.psql();
        let output = psql.env("PGCONNECT_TIMEOUT", "3").args(["-c", "select 1"]).output().await?;
        let complaint = Psql(output).failure()?;
        ensure!(complaint.contains(words), "{complaint}");
        Ok(())
    })
    .await
}

/// How many sessions of the target wait for this.
async fn waiting(gateway: &Gateway, event: &str) -> Result<String> {
    let sql = format!(
        "select count(*) from pg_stat_activity
         where datname = current_database() and wait_event = '{event}'"
    );
    gateway.target.run(&sql).await
}

#[tokio::test]
async fn sessions_stall_while_the_stream_is_full_and_go_on_when_there_is_room() -> Result {
    // Its third row comes when the lock is free; then it is far more than all buffers hold.
    const ROWS: usize = 24;
    const ROW: usize = 1_000_000;
    let flood = format!(
        "copy (select repeat('x', {ROW}), case when i = 3 then
           (select count(*) from pg_advisory_lock_shared(4711)) end
         from generate_series(1, {ROWS}) i) to stdout"
    );
    // However long this takes, nobody gives up.
    let options = Options::default().with("grpc-edge", "EDGE_STALL_TIMEOUT", "600s");
    let gateway = Gateway::start(options).await?;
    let access = [gateway.access(0).await?, gateway.access(1).await?];
    let mut askers = [Asker::ready(&access[0]).await?, Asker::ready(&access[1]).await?];
    let mut lock = Asker::ready(&gateway.target.direct()).await?;
    lock.runs("pg_advisory_lock(4711)").await?;
    lock.tells("locked").await?;
    let tap = Tap::start(access[1].port).await?;
    let psql = access[1]
        .by_port(tap.port)
        .psql()
        .env("PGSSLMODE", "disable")
        .args(["-At", "-c", &flood])
        .stdout(Stdio::null())
        .spawn()?;
    eventually("the flood to come to the lock", async || {
        ensure!(waiting(&gateway, "advisory").await? == "1", "it is not there");
        Ok(())
    })
    .await?;

    let open = ids(&gateway).await?;
    let room = set_room(&gateway, 1).await?;
    for asker in &mut askers {
        asker.asks("a stalled question").await?;
    }
    lock.runs("pg_advisory_unlock(4711)").await?;
    eventually("the target to be held up", async || {
        ensure!(waiting(&gateway, "ClientWrite").await? == "1", "it is not");
        Ok(())
    })
    .await?;
    for access in &access {
        refused(access, DenialCode::RecordingFull.message()).await?;
    }
    let heard = tap.heard_from_server();
    ensure!(heard < 2 * ROW + ROW / 2, "{heard} bytes have passed, and nothing was recorded");
    let asked = "select count(*) from pg_stat_activity
                 where datname = current_database() and query like '%a stalled ' || 'question%'";
    ensure!(gateway.target.run(asked).await? == "0", "a question was passed on unrecorded");

    set_room(&gateway, room).await?;
    for asker in &mut askers {
        asker.hears("a stalled question").await?;
    }
    Psql(psql.wait_with_output().await?).success()?;
    ensure!(ROWS * ROW < tap.heard_from_server(), "a part of the flood is missing");
    for access in &access {
        eventually("a new session", async || access.answer("select 1").await).await?;
    }
    for asker in askers {
        asker.ends().await?;
    }
    for id in ids(&gateway).await? {
        gateway.rest.session_done(&id).await?;
        gateway.rest.recording(&id).await?.is_complete()?;
    }
    // Who gave up at the door has no second end, perhaps.
    for id in open {
        is_whole(&gateway, &id).await?;
    }
    Ok(())
}

/// Every session that there is.
async fn ids(gateway: &Gateway) -> Result<Vec<String>> {
    let sessions = gateway.rest.sessions(&format!("connection={CONNECTION}&limit=100")).await?;
    Ok(sessions.iter().map(|session| text(session, "id").to_owned()).collect())
}

/// Fails unless the recording has both ends and nothing is missing between.
async fn is_whole(gateway: &Gateway, id: &str) -> Result {
    let recording = gateway.rest.recording(id).await?;
    recording.is_complete()?;
    let ends = [&recording.input, &recording.output].map(|way| way.last().map(Packet::kind));
    ensure!(ends == [Some("session_end"); 2], "{id}: {ends:?}");
    Ok(())
}

/// What happens to the stream.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Trouble {
    Full,
    Deleted,
}

/// Sessions at both edges that wait for longer than they may.
async fn end_in_words(trouble: Trouble) -> Result {
    let options = Options::default().with("grpc-edge", "EDGE_STALL_TIMEOUT", "2s");
    let mut gateway = Gateway::start(options).await?;
    let access = [gateway.access(0).await?, gateway.access(1).await?];
    let askers = [Asker::ready(&access[0]).await?, Asker::ready(&access[1]).await?];
    let stalled = ids(&gateway).await?;
    let room = match trouble {
        Trouble::Full => set_room(&gateway, 1).await?,
        Trouble::Deleted => {
            broker(&gateway).await?.delete_stream(AUDIT).await?;
            0
        }
    };
    for mut asker in askers {
        asker.asks("an unheard question").await?;
        let complaint = asker.complaint().await?;
        ensure!(complaint.contains(EndReason::RecordingUnavailable.message()), "{complaint}");
    }
    // That there is no stream shows when a session is to begin in it.
    let words = match trouble {
        Trouble::Full => DenialCode::RecordingFull.message(),
        Trouble::Deleted => EndReason::RecordingUnavailable.message(),
    };
    for access in &access {
        refused(access, words).await?;
    }
    match trouble {
        Trouble::Full => {
            set_room(&gateway, room).await?;
        }
        Trouble::Deleted => {
            for edge in 0..2 {
                gateway.edge_mut(edge)?.stop()?;
                gateway.edge_mut(edge)?.start()?;
            }
            let agent = hoop_tests::gateway::AGENT;
            gateway.agent_connected(agent).await?;
        }
    }
    // What was refused has a row where that was not `api`'s word.
    let before = ids(&gateway).await?;
    for access in &access {
        eventually_after(2, "a new session", async || access.answer("select 'anew'").await).await?;
    }
    for id in &stalled {
        let session = gateway.rest.session_given_up(id).await?;
        ensure!(text(&session, "end_reason") == "recording_unavailable", "{session}");
        let input = gateway.rest.recording(id).await?.input_bytes()?;
        ensure!(!String::from_utf8_lossy(&input).contains("an unheard question"), "it is there");
    }
    let new = eventually("both new sessions to be over", async || {
        let mut new = Vec::new();
        for id in ids(&gateway).await?.into_iter().filter(|id| !before.contains(id)) {
            let session = gateway.rest.session(&id).await?;
            if text(&session, "end_reason") == "client_closed" {
                new.push(id);
            }
        }
        ensure!(new.len() == 2, "{} are", new.len());
        Ok(new)
    })
    .await?;
    for id in new {
        gateway.rest.session_done(&id).await?;
        is_whole(&gateway, &id).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_session_ends_in_words_when_the_stream_is_full_for_too_long() -> Result {
    end_in_words(Trouble::Full).await
}

#[tokio::test]
async fn a_session_ends_in_words_when_the_stream_is_deleted_and_new_ones_work_with_another()
-> Result {
    end_in_words(Trouble::Deleted).await
}
