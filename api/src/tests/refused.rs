//! The audit log of who was refused: wherever they asked, and not more often than it can bear.

use std::time::Duration;

use hoop_bus::{Bus, ControlRequest, Subject};
use hoop_domain::Role;
use hoop_proto::v1::{self, authorize_reply::Outcome, authorize_request::Proof};
use hoop_testkit::eventually;
use serde_json::{Value, json};

use super::{
    audit_logs::{everything, holds},
    authorize::{authorize, request},
    world::{World, pg_body},
};

/// Status, action, path and address of the lines with these filters, the newest first.
async fn lines(world: &World, root: &str, query: &str) -> Vec<(u64, String, String, String)> {
    let list = world.get(root, &format!("/api/audit/logs?{query}")).await.body;
    let line = |line: &Value| {
        let word = |name: &str| line[name].as_str().unwrap().to_owned();
        let status = line["http_status"].as_u64().unwrap_or_default();
        (status, word("action"), word("http_path"), word("client_ip"))
    };
    list["data"].as_array().unwrap().iter().map(line).collect()
}

#[tokio::test]
async fn who_may_not_read_is_written_down_and_who_may_or_is_nobody_is_not() {
    let world = World::new().await;
    let (root, standard) = (world.root().await, world.somebody(Role::Standard).await);
    for (token, status) in [(root.as_str(), 200), (standard.as_str(), 403), ("", 401)] {
        assert_eq!(world.get(token, "/api/audit/logs/heads").await.status, status);
    }
    assert_eq!(
        lines(&world, &root, "resource=heads").await,
        [(403, "read".into(), "/api/audit/logs/heads".into(), "-".into())]
    );
    let mine = lines(&world, &root, "actor=standard@example.com&outcome=failure").await;
    assert_eq!(mine.len(), 1, "{mine:?}");
}

#[tokio::test]
async fn who_asks_for_what_they_may_not_have_fills_no_log() {
    let world = World::with(&[("API_RATE_STRANGER", "5")]).await;
    let (root, standard) = (world.root().await, world.somebody(Role::Standard).await);
    for _ in 0..20 {
        assert_eq!(world.get(&standard, "/api/audit/logs/heads").await.status, 403);
    }
    let written = lines(&world, &root, "resource=heads").await.len();
    assert!((1..20).contains(&written), "{written}");
    let nobody = request(Proof::CredentialUsername("c-nobody".into()));
    for _ in 0..20 {
        assert!(matches!(authorize(&world, &nobody).await, Outcome::Denial(_)));
    }
    // What comes after all of them, of somebody who is counted apart.
    let ann = world.user("ann@example.com", &[]).await;
    assert!(matches!(authorize(&world, &over_grpc(&ann)).await, Outcome::Denial(_)));
    eventually("the lines of both", async || {
        for actor in ["ann@example.com", "c-nobody"] {
            let written = lines(&world, &root, &format!("actor={actor}")).await;
            anyhow::ensure!(!written.is_empty(), "{actor}");
        }
        Ok(())
    })
    .await
    .unwrap();
    let written = lines(&world, &root, "actor=c-nobody").await.len();
    assert!((1..20).contains(&written), "{written}");
}

/// A request for the connection `pg` with this token.
fn over_grpc(token: &str) -> v1::AuthorizeRequest {
    let asked = request(Proof::BearerToken(token.into()));
    v1::AuthorizeRequest { protocol: String::new(), ..asked }
}

#[tokio::test]
async fn who_is_refused_at_an_edge_is_a_line_and_who_is_let_in_or_waits_is_none() {
    let world = World::new().await;
    world.pg().await;
    let root = world.root().await;
    let mut held = pg_body("held");
    held["reviewers"] = json!(["dba"]);
    assert_eq!(world.post(&root, "/api/connections", held).await.status, 201);
    let (dba, dev) =
        (world.user("dba@example.com", &["dba"]).await, world.user("dev@example.com", &[]).await);
    let asked = over_grpc(&dba);
    assert!(matches!(authorize(&world, &asked).await, Outcome::Grant(_)));
    let waits = v1::AuthorizeRequest { connection_name: "held".into(), ..asked };
    let Outcome::Denial(denial) = authorize(&world, &waits).await else { panic!("no review") };
    assert_eq!((denial.code.as_str(), denial.review.is_empty()), ("review_required", false));

    let mut no_name = over_grpc("hpk_made-up");
    no_name.verb = "exec".into();
    no_name.connection_name = "canary\0 4711".into();
    no_name.client_address = "canary".into();
    for (asked, code) in [
        (over_grpc(&dev), "connection_not_found"),
        (over_grpc("hpk_made-up"), "unauthenticated"),
        (no_name, "unauthenticated"),
        (request(Proof::CredentialUsername("c-nobody".into())), "unauthenticated"),
    ] {
        let Outcome::Denial(denial) = authorize(&world, &asked).await else { panic!("let in") };
        assert_eq!(denial.code, code);
    }
    let edge = Bus::connect(&world.nats.url(), "edge").await.unwrap();
    let username = "hunter2".into();
    let question = v1::VerifierRequest { username, client_address: "[2001:db8::1]:1".into() };
    let subject = Subject::Control(ControlRequest::Verifier);
    let wait = Duration::from_secs(10);
    let answer: v1::VerifierReply = edge.request(&subject, &question, wait).await.unwrap();
    assert!(answer.verifier.is_some());
    let question = v1::AgentAuthRequest {
        name: "dev".into(),
        token: "canary-4711".into(),
        address: "192.0.2.2:1".into(),
    };
    let subject = Subject::Control(ControlRequest::Agent);
    let _: v1::AgentAuthReply = edge.request(&subject, &question, wait).await.unwrap();

    let line = |status: u64, action: &str, path: &str, address: &str| {
        (status, action.to_owned(), path.to_owned(), address.to_owned())
    };
    let mut expected = vec![
        line(401, "connect", "/connections", "2001:db8::1"),
        line(401, "connect", "/connections/pg", "192.0.2.1"),
        line(401, "exec", "/connections/[redacted]", "-"),
        line(401, "connect", "/connections/pg", "192.0.2.1"),
        line(403, "connect", "/agents/dev", "192.0.2.2"),
        line(403, "connect", "/connections/pg", "192.0.2.1"),
    ];
    expected.sort();
    eventually("every refusal to be a line", async || {
        let mut written = lines(&world, &root, "outcome=failure").await;
        written.sort();
        anyhow::ensure!(written == expected, "{written:?}");
        Ok(())
    })
    .await
    .unwrap();
    let dev = world.get(&root, "/api/audit/logs?actor=dev@example.com&outcome=failure").await.body;
    assert_eq!(
        (&dev["data"][0]["error_message"], &dev["data"][0]["http_method"]),
        (&json!("there is no connection of that name that you may use"), &json!(""))
    );
    assert_eq!(lines(&world, &root, "actor=c-nobody").await.len(), 1);
    let text = everything(&world).await;
    assert!(!text.contains("canary") && !text.contains("hunter2"), "{text}");
    assert!(holds(&world).await > 6, "they are part of the chain");
}
