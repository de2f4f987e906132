//! Who is not let in is told why, in PostgreSQL's way.

use anyhow::ensure;
use hoop_proto::{AgentHello, up};
use hoop_testkit::eventually;
use hoop_tests::{
    Access, Gateway, Options, Target,
    gateway::{ADMIN, AGENT, CONNECTION},
    rest::text,
};
use serde_json::json;
use tonic::Code;

use crate::{
    Result,
    lies::caller::{call, hello},
};

async fn refusal(access: &Access) -> Result<String> {
    access.query("select 1").await?.failure()
}

fn says(complaint: &str, expected: &str) -> Result {
    ensure!(complaint.contains(expected), "expected {expected:?} in {complaint:?}");
    Ok(())
}

#[tokio::test]
async fn a_wrong_password_is_refused_like_an_unknown_user() -> Result {
    let gateway = Gateway::usual().await?;
    let access = gateway.access(1).await?;
    let wrong = Access { password: "wrong".to_owned(), ..access.clone() };
    says(&refusal(&wrong).await?, "password authentication failed for user")?;
    let nobody = Access { username: "nobody".to_owned(), ..access };
    says(&refusal(&nobody).await?, "password authentication failed for user")
}

#[tokio::test]
async fn every_way_to_be_refused_at_an_edge_is_in_the_audit_log() -> Result {
    let gateway = Gateway::usual().await?;
    let access = gateway.access(1).await?;
    let wrong = Access { password: "canary-4711".to_owned(), ..access.clone() };
    says(&refusal(&wrong).await?, "password authentication failed for user")?;
    let nobody = Access { username: "c-nobody".to_owned(), ..wrong };
    says(&refusal(&nobody).await?, "password authentication failed for user")?;
    gateway.run_on_state("update credentials set expires_at = now() - interval '1 second'").await?;
    says(&refusal(&access).await?, "expired")?;
    let bearer = [("authorization", "Bearer hpl_canary-4711"), ("agent-name", "liar")];
    for first in [hello(CONNECTION), up::Frame::AgentHello(AgentHello::default())] {
        let mut call = call(gateway.edge(0)?.grpc, &bearer).await?;
        call.send(first).await?;
        assert_eq!(call.refusal().await?.code(), Code::Unauthenticated);
    }

    // What was tried, whose it is, whether that was proved, and how it ended.
    let (pg, liar) = (format!("/connections/{CONNECTION}"), "/agents/liar".to_owned());
    let expected = [
        (&pg, access.username.as_str(), ADMIN, false, 401),
        (&pg, "c-nobody", "", false, 401),
        (&pg, "", ADMIN, true, 401),
        (&pg, "", "", false, 401),
        (&liar, "", "", false, 403),
    ];
    eventually("a line for each", async || {
        let logs = gateway.rest.get("/api/audit/logs?outcome=failure").await?;
        for (path, login, email, proved, status) in expected {
            let mut lines = logs["data"].as_array().into_iter().flatten();
            let found = lines.any(|line| {
                text(line, "http_path") == path
                    && line["actor_id"].is_string() == proved
                    && (proved || text(line, "actor_subject") == login)
                    && text(line, "actor_email") == email
                    && text(line, "client_ip") == "127.0.0.1"
                    && line["http_status"] == status
            });
            ensure!(found, "no line for {path} {login} {email} in {logs}");
        }
        Ok(())
    })
    .await?;
    let dump = gateway.dump_of_state().await?;
    ensure!(!dump.contains("canary-4711"), "a password or a token is in the database");
    Ok(())
}

#[tokio::test]
async fn an_expired_credential_is_refused_and_says_so() -> Result {
    let gateway = Gateway::usual().await?;
    let access = gateway.access(1).await?;
    gateway.run_on_state("update credentials set expires_at = now() - interval '1 second'").await?;
    says(&refusal(&access).await?, "expired")
}

#[tokio::test]
async fn a_connection_without_access_looks_like_one_that_does_not_exist() -> Result {
    let gateway = Gateway::usual().await?;
    gateway.open_to("for-dba", &["dba"]).await?;
    let dba = gateway.rest.user_create("dba@example.com", &["dba"]).await?;
    let access = gateway.through(dba.credential_create("for-dba", 60).await?, 1)?;
    let user = gateway.rest.get("/api/users").await?;
    let user =
        user.as_array().into_iter().flatten().find(|user| text(user, "email") == "dba@example.com");
    let id = user.map(|user| text(user, "id")).unwrap_or_default();
    let body = json!({"email": "dba@example.com", "name": "dba", "groups": []});
    gateway.rest.send(reqwest::Method::PUT, &format!("/api/users/{id}"), body).await?;

    let without = refusal(&access).await?;
    let unknown = refusal(&access.to_database("no-such-thing")).await?;
    says(&without, "there is no connection of that name that you may use")?;
    let sentence = |complaint: &str| complaint.split("FATAL:").nth(1).map(str::to_owned);
    assert_eq!(sentence(&without), sentence(&unknown));
    Ok(())
}

#[tokio::test]
async fn who_has_no_group_gets_no_credential_and_sees_nothing() -> Result {
    let gateway = Gateway::usual().await?;
    gateway.open_to("for-dba", &["dba"]).await?;
    let user = gateway.rest.user_create("guest@example.com", &[]).await?;
    let body = json!({"access_duration_seconds": 60});
    for name in ["for-dba", CONNECTION, "no-such-thing"] {
        let path = format!("/api/connections/{name}/credentials");
        let answer = user.send(reqwest::Method::POST, &path, body.clone()).await?;
        assert_eq!(answer.status, 404, "{name}: {}", answer.body);
    }
    let connections = user.get("/api/connections").await?;
    assert_eq!(connections.as_array().map(Vec::len), Some(0), "{connections}");
    Ok(())
}

#[tokio::test]
async fn a_credential_opens_no_other_connection() -> Result {
    let gateway = Gateway::usual().await?;
    gateway.open_to("other", &[]).await?;
    let access = gateway.access(1).await?;
    says(&refusal(&access.to_database("other")).await?, "there is no connection of that name")
}

#[tokio::test]
async fn an_offline_agent_is_named_as_the_reason_at_once() -> Result {
    let mut gateway = Gateway::usual().await?;
    let access = gateway.access(1).await?;
    gateway.agent_mut()?.kill()?;
    eventually("the edge to notice", async || says(&refusal(&access).await?, "offline")).await
}

#[tokio::test]
async fn a_target_that_is_down_is_named_as_the_reason() -> Result {
    let gateway = Gateway::usual().await?;
    let port = hoop_testkit::free_port()?.to_string();
    let secret =
        [("HOST", "127.0.0.1"), ("PORT", &port), ("USER", "u"), ("PASS", "p"), ("DB", "d")];
    gateway.rest.connection_create("down", "postgres", AGENT, &secret, &[]).await?;
    let access = gateway.access_to("down", 1).await?;
    says(&refusal(&access).await?, "the target refused the connection")?;
    // psql tries again without TLS, so there may be two.
    for session in gateway.rest.sessions("connection=down").await? {
        let session = gateway.rest.session_done(text(&session, "id")).await?;
        assert_eq!(text(&session, "end_reason"), "target_unreachable");
    }
    Ok(())
}

#[tokio::test]
async fn stored_credentials_that_the_target_refuses_are_not_the_users_fault() -> Result {
    let gateway = Gateway::usual().await?;
    let port = gateway.target.postgres.port().to_string();
    let Target { role, database, .. } = &gateway.target;
    let secret = [
        ("HOST", "127.0.0.1"),
        ("PORT", port.as_str()),
        ("USER", role),
        ("PASS", "stale"),
        ("DB", database),
    ];
    gateway.rest.connection_create("stale", "postgres", AGENT, &secret, &[]).await?;
    let complaint = refusal(&gateway.access_to("stale", 1).await?).await?;
    ensure!(!complaint.contains("password authentication failed for user \"c-"), "{complaint}");
    says(&complaint, "refused the")
}

#[tokio::test]
async fn without_a_decider_nobody_gets_in() -> Result {
    let mut gateway = Gateway::start(Options::default()).await?;
    let access = gateway.access(1).await?;
    gateway.api.kill()?;
    says(&refusal(&access).await?, "can't decide")?;
    gateway.api.start()?;
    eventually("the decider to be back", async || access.answer("select 1").await).await?;
    Ok(())
}
