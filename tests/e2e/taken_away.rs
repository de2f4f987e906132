//! What a session stands on is taken away, and the session ends at once, saying why.

use std::time::{Duration, Instant};

use anyhow::ensure;
use hoop_tests::{Gateway, gateway::ADMIN, rest::text};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    Result,
    ending::{complaint, not_running, sleeper},
};

const EMAIL: &str = "dba@example.com";
const SHARED: &str = "for-dba";
const USER: &str = "/api/users/dba@example.com";

/// From the call that takes something away to the user's last line. A second is promised; a
/// machine that is busy with other tests gets more, but less than the reconciler's 5 s.
const AT_ONCE: Duration = Duration::from_secs(4);

/// A user's `psql` is in the middle of a statement when `method path body` is called.
async fn check(method: Method, path: &str, body: Value) -> Result {
    let gateway = Gateway::usual().await?;
    gateway.open_to(SHARED, &["dba"]).await?;
    let user = gateway.rest.user_create(EMAIL, &["dba"]).await?;
    let access = gateway.through(user.credential_create(SHARED, 600).await?, 1)?;
    let psql = sleeper(&gateway, &access).await?;
    let session = gateway.rest.only_session(SHARED).await?;

    let before = Instant::now();
    let answer = gateway.rest.send(method, path, body).await?;
    ensure!(answer.status.is_success(), "{path}: {answer:?}");
    let complaint = complaint(psql).await?;
    let took = before.elapsed();
    ensure!(complaint.contains("access to this connection was revoked"), "{path}: {complaint}");
    ensure!(took < AT_ONCE, "{path}: it took {took:?}");
    let session = gateway.rest.session_done(text(&session, "id")).await?;
    assert_eq!(text(&session, "end_reason"), "access_revoked");
    assert_eq!(text(&session, "user"), EMAIL, "it stays on record with its names");
    not_running(&gateway, "pg_sleep").await?;
    let again = access.query("select 1").await?.failure()?;
    ensure!(!again.is_empty(), "{path}: it let somebody in");
    Ok(())
}

#[tokio::test]
async fn leaving_a_group_ends_live_sessions() -> Result {
    check(Method::PUT, USER, json!({ "groups": ["dev"] })).await
}

#[tokio::test]
async fn deactivating_a_user_ends_their_live_sessions() -> Result {
    check(Method::PUT, USER, json!({ "groups": ["dba"], "status": "inactive" })).await
}

#[tokio::test]
async fn deleting_a_user_ends_their_live_sessions() -> Result {
    check(Method::DELETE, USER, Value::Null).await
}

#[tokio::test]
async fn deleting_a_group_ends_what_was_open_to_it() -> Result {
    check(Method::DELETE, "/api/users/groups/dba", Value::Null).await
}

#[tokio::test]
async fn taking_a_group_off_a_connection_ends_its_live_sessions() -> Result {
    let body = json!({
        "name": SHARED, "type": "postgres", "agent_id": "agent", "access_groups": ["dev"],
    });
    check(Method::PUT, "/api/connections/for-dba", body).await
}

#[tokio::test]
async fn deleting_a_connection_ends_its_live_sessions() -> Result {
    check(Method::DELETE, "/api/connections/for-dba", Value::Null).await
}

#[tokio::test]
async fn a_kill_tells_who_did_it_and_why() -> Result {
    let gateway = Gateway::usual().await?;
    gateway.open_to(SHARED, &["dba"]).await?;
    let user = gateway.rest.user_create(EMAIL, &["dba"]).await?;
    let access = gateway.through(user.credential_create(SHARED, 600).await?, 1)?;
    let why = Some("maintenance");
    for (rest, who, why) in [(&gateway.rest, ADMIN, why), (&user, EMAIL, why), (&user, EMAIL, None)]
    {
        let psql = sleeper(&gateway, &access).await?;
        // The newest is the first.
        let sessions = gateway.rest.sessions(&format!("connection={SHARED}")).await?;
        let id = sessions.first().map(|session| text(session, "id")).unwrap_or_default();
        let mut told = format!("the session was ended by {who}");
        if let Some(why) = why {
            rest.post(&format!("/api/sessions/{id}/kill"), json!({ "reason": why })).await?;
            told = format!("{told}: {why}");
        } else {
            rest.delete(&format!("/api/sessions/{id}")).await?;
        }
        let complaint = complaint(psql).await?;
        ensure!(complaint.contains(&told), "{complaint}");
        let session = gateway.rest.session_done(id).await?;
        assert_eq!(text(&session, "end_reason"), "killed");
        assert_eq!(text(&session, "end_message"), told);
        not_running(&gateway, "pg_sleep").await?;
    }
    Ok(())
}

#[tokio::test]
async fn who_has_as_many_sessions_as_allowed_is_told_so() -> Result {
    let gateway = Gateway::usual().await?;
    gateway.open_to(SHARED, &["dba"]).await?;
    let body = json!({
        "name": SHARED, "type": "postgres", "agent_id": "agent", "access_groups": ["dba"],
        "max_sessions_per_user": 1,
    });
    let path = format!("/api/connections/{SHARED}");
    let answer = gateway.rest.send(Method::PUT, &path, body).await?;
    ensure!(answer.status.is_success(), "{answer:?}");
    let access = gateway.access_to(SHARED, 0).await?;
    let psql = sleeper(&gateway, &access).await?;
    let complaint = gateway.through(access, 1)?.query("select 1").await?.failure()?;
    ensure!(complaint.contains("too many sessions are open"), "{complaint}");
    drop(psql);
    Ok(())
}
