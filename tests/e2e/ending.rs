//! Sessions that end before their user wants them to.

use anyhow::{Context, ensure};
use hoop_proto::{self as proto, down, payload, up};
use hoop_testkit::eventually;
use hoop_tests::{
    Access, Gateway, Psql,
    gateway::{AGENT, CONNECTION},
    rest::text,
};
use tokio::process::Child;

use crate::{
    Result,
    lies::{caller::Call, session},
};

/// A `psql` whose statement would take a minute, and that statement running on the target.
pub(crate) async fn sleeper(gateway: &Gateway, access: &Access) -> Result<Child> {
    let child = access.psql().args(["-c", "select pg_sleep(60)"]).spawn()?;
    running(gateway, "pg_sleep").await?;
    Ok(child)
}

/// Waits until a statement with `part` in it runs on the target.
pub(crate) async fn running(gateway: &Gateway, part: &str) -> Result {
    eventually("the statement to run", async || {
        ensure!(count_running(gateway, part).await? != "0", "nothing like {part} runs");
        Ok(())
    })
    .await
}

/// Waits until no such statement runs on the target.
pub(crate) async fn not_running(gateway: &Gateway, part: &str) -> Result {
    eventually("the statement to end", async || {
        let count = count_running(gateway, part).await?;
        ensure!(count == "0", "{count} statements like {part} run");
        Ok(())
    })
    .await
}

async fn count_running(gateway: &Gateway, part: &str) -> Result<String> {
    let sql = format!(
        "select count(*) from pg_stat_activity where datname = current_database() \
         and state = 'active' and pid <> pg_backend_pid() and query like '%{part}%'"
    );
    gateway.target.run(&sql).await
}

pub(crate) async fn complaint(child: Child) -> Result<String> {
    Psql(child.wait_with_output().await?).failure()
}

#[tokio::test]
async fn a_killed_session_ends_with_a_sentence_and_frees_the_target() -> Result {
    for edge in 0..2 {
        let gateway = Gateway::usual().await?;
        let psql = sleeper(&gateway, &gateway.access(edge).await?).await?;
        let session = gateway.rest.only_session(CONNECTION).await?;
        gateway.rest.session_kill(text(&session, "id")).await?;
        let complaint = complaint(psql).await?;
        ensure!(complaint.contains("the session was ended by"), "edge {edge}: {complaint}");
        let session = gateway.rest.session_done(text(&session, "id")).await?;
        assert_eq!(text(&session, "end_reason"), "killed");
        not_running(&gateway, "pg_sleep").await?;
    }
    Ok(())
}

/// A client over gRPC whose statement would take a minute.
async fn grpc_sleeper(gateway: &Gateway, edge: usize) -> Result<(Call, String)> {
    let (mut call, id) = session(gateway, edge).await?;
    let kind = proto::channel_open::Kind::Postgres(proto::PostgresOpen::default());
    let open = payload::Body::ChannelOpen(proto::ChannelOpen { kind: Some(kind) });
    let sql = b"select pg_sleep(60)\0";
    let length = u32::try_from(sql.len() + 4)?;
    let query = [b"Q".as_slice(), &length.to_be_bytes(), sql].concat();
    let send = |body| up::Frame::Payload(proto::Payload { channel: 1, body: Some(body) });
    call.send(send(open)).await?;
    call.payload(|body| matches!(body, payload::Body::ChannelReady(_))).await?;
    call.send(send(payload::Body::Data(query.into()))).await?;
    running(gateway, "pg_sleep").await?;
    Ok((call, id))
}

#[tokio::test]
async fn a_killed_grpc_session_ends_with_a_sentence_and_frees_the_target() -> Result {
    for edge in 0..2 {
        let gateway = Gateway::usual().await?;
        let (mut call, id) = grpc_sleeper(&gateway, edge).await?;
        gateway.rest.session_kill(&id).await?;
        let closed = call.until(|frame| match frame {
            down::Frame::SessionClosed(closed) => Some(closed),
            _ => None,
        });
        let closed = closed.await?;
        assert_eq!(closed.code, "killed", "edge {edge}");
        ensure!(closed.message.contains("the session was ended by"), "edge {edge}: {closed:?}");
        let session = gateway.rest.session_done(&id).await?;
        assert_eq!(text(&session, "end_reason"), "killed");
        not_running(&gateway, "pg_sleep").await?;
    }
    Ok(())
}

#[tokio::test]
async fn revoking_an_agent_cuts_its_sessions_and_lets_it_open_no_more() -> Result {
    let mut gateway = Gateway::usual().await?;
    let access = gateway.access(1).await?;
    let psql = sleeper(&gateway, &access).await?;
    let session = gateway.rest.only_session(CONNECTION).await?;
    gateway.rest.delete(&format!("/api/agents/{AGENT}")).await?;
    let complaint = complaint(psql).await?;
    ensure!(complaint.contains("revoked") || complaint.contains("agent"), "{complaint}");
    let session = gateway.rest.session_done(text(&session, "id")).await?;
    assert_eq!(text(&session, "end_reason"), "agent_revoked");
    not_running(&gateway, "pg_sleep").await?;
    ensure!(
        !access.query("select 1").await?.0.status.success(),
        "a revoked agent opened a session"
    );
    let log = eventually("the agent to say that it was refused", async || {
        let log = gateway.agents.first().context("no agent")?.log();
        ensure!(log.contains("revoked"), "{log}");
        Ok(log)
    })
    .await?;
    ensure!(!log.contains("xagt-"), "the agent logged its key");
    gateway.stop()
}

#[tokio::test]
async fn a_revoked_credential_ends_what_it_opened() -> Result {
    let gateway = Gateway::usual().await?;
    let path = format!("/api/connections/{CONNECTION}/credentials");
    let credential = gateway.rest.post(&path, serde_json::json!({})).await?;
    let access = Access {
        host: "127.0.0.1".to_owned(),
        port: gateway.edge(1)?.pg,
        username: text(&credential, "username").to_owned(),
        password: text(&credential, "password").to_owned(),
        database: CONNECTION.to_owned(),
    };
    let psql = sleeper(&gateway, &access).await?;
    let path = format!("{path}/{}/revoke", text(&credential, "id"));
    gateway.rest.post(&path, serde_json::Value::Null).await?;
    complaint(psql).await?;
    let session = gateway.rest.only_session(CONNECTION).await?;
    gateway.rest.session_done(text(&session, "id")).await?;
    not_running(&gateway, "pg_sleep").await?;
    access.query("select 1").await?.failure()?;
    Ok(())
}

#[tokio::test]
async fn a_client_that_goes_away_frees_the_target() -> Result {
    let gateway = Gateway::usual().await?;
    let mut psql = sleeper(&gateway, &gateway.access(1).await?).await?;
    psql.kill().await?;
    let session = gateway.rest.only_session(CONNECTION).await?;
    let session = gateway.rest.session_done(text(&session, "id")).await?;
    ensure!(text(&session, "end_reason").starts_with("client_"), "{session}");
    not_running(&gateway, "pg_sleep").await
}

#[tokio::test]
async fn a_target_that_hangs_up_ends_the_session_in_its_own_words() -> Result {
    let gateway = Gateway::usual().await?;
    let psql = sleeper(&gateway, &gateway.access(1).await?).await?;
    gateway
        .target
        .run("select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep(60)%' and datname = current_database() and pid <> pg_backend_pid()")
        .await?;
    let complaint = complaint(psql).await?;
    ensure!(
        complaint.contains("terminating connection due to administrator command"),
        "{complaint}"
    );
    let session = gateway.rest.only_session(CONNECTION).await?;
    let session = gateway.rest.session_done(text(&session, "id")).await?;
    assert_eq!(text(&session, "end_reason"), "target_closed");
    Ok(())
}
