//! Credentials: made over REST, used over the bus.

use std::time::Duration;

use hoop_bus::{Bus, ControlRequest, Subject};
use hoop_proto::v1;
use hoop_wire::postgres::scram::Verifier;
use serde_json::json;

use super::world::World;

async fn verifier(bus: &Bus, username: &str) -> Option<v1::ScramVerifier> {
    let request = v1::VerifierRequest { username: username.into() };
    let subject = Subject::Control(ControlRequest::Verifier);
    let reply: v1::VerifierReply =
        bus.request(&subject, &request, Duration::from_secs(10)).await.unwrap();
    reply.verifier
}

#[tokio::test]
async fn the_edge_gets_the_verifier_of_the_password_that_was_shown_once() {
    let world = World::new().await;
    world.pg().await;
    let dba = world.user("dba@example.com", &["dba"]).await;
    let path = "/api/connections/pg/credentials";
    let made = world.post(&dba, path, json!({ "access_duration_seconds": 60 })).await;
    assert_eq!(made.status, 201, "{made:?}");
    let text = |name: &str| made.body[name].as_str().unwrap().to_owned();
    let (username, password) = (text("username"), text("password"));
    assert!(username.starts_with("c-") && password.len() == 32);
    assert_eq!(text("expire_at"), text("expires_at"), "the name that older clients know");
    assert_eq!((text("host").as_str(), &made.body["port"]), ("gateway.example.com", &json!(15432)));
    assert_eq!(
        text("connection_string"),
        format!("postgres://{username}:{password}@gateway.example.com:15432/pg?sslmode=require")
    );

    let edge = Bus::connect(&world.nats.url(), "edge").await.unwrap();
    let known = verifier(&edge, &username).await.unwrap();
    let again =
        Verifier::from_password(&password, &known.salt, known.iterations.try_into().unwrap());
    assert_eq!(again.stored_key().as_slice(), known.stored_key.as_ref());
    assert_eq!(again.server_key().as_slice(), known.server_key.as_ref());
    let nobody = verifier(&edge, "c-nobody").await.unwrap();
    assert_eq!((nobody.salt.len(), nobody.iterations), (known.salt.len(), known.iterations));
    assert_eq!(verifier(&edge, "c-nobody").await, Some(nobody), "it is not made up each time");
}

#[tokio::test]
async fn a_credential_has_an_end_and_a_native_port() {
    let world = World::new().await;
    world.pg().await;
    let root = world.root().await;
    for seconds in [0, -1, 30 * 24 * 3600 + 1] {
        let body = json!({ "access_duration_seconds": seconds });
        let answer = world.post(&root, "/api/connections/pg/credentials", body).await;
        assert_eq!(answer.body["field"], "access_duration_seconds");
    }
    let tcp = json!({
        "name": "web", "type": "application", "subtype": "tcp", "agent_id": "dev",
        "secret": { "HOST": "ZGI=", "PORT": "ODA=" },
    });
    assert_eq!(world.post(&root, "/api/connections", tcp).await.status, 201);
    let answer = world.post(&root, "/api/connections/web/credentials", json!({})).await;
    answer.is_problem(422, "name: only postgres connections have a native port");
}

#[tokio::test]
async fn people_revoke_their_own_credentials_and_administrators_any() {
    let world = World::new().await;
    world.pg().await;
    let ann = world.user("ann@example.com", &["dba"]).await;
    let ben = world.user("ben@example.com", &["dba"]).await;
    let path = "/api/connections/pg/credentials";
    let made = world.post(&ann, path, json!({})).await;
    let revoke = format!("{path}/{}/revoke", made.body["id"].as_str().unwrap());
    assert_eq!(world.post(&ben, &revoke, json!({})).await.status, 404);
    assert_eq!(world.post(&ann, &revoke, json!({})).await.status, 204);
    assert_eq!(world.post(&world.root().await, &revoke, json!({})).await.status, 204);
}

#[tokio::test]
async fn people_see_their_own_credentials_and_auditors_all_without_a_password() {
    let world = World::new().await;
    world.pg().await;
    let ann = world.user("ann@example.com", &["dba"]).await;
    let ben = world.user("ben@example.com", &["dba"]).await;
    let path = "/api/connections/pg/credentials";
    let first = world.post(&ann, path, json!({})).await;
    world.post(&ben, path, json!({})).await;
    let revoke = format!("{path}/{}/revoke", first.body["id"].as_str().unwrap());
    assert_eq!(world.post(&ann, &revoke, json!({})).await.status, 204);
    world.post(&ann, path, json!({})).await;

    let listed = async |token: &str, query: &str| -> Vec<(String, String)> {
        let answer = world.get(token, &format!("/api/credentials?{query}")).await;
        let text = String::from_utf8(answer.bytes.clone()).unwrap();
        assert!(!text.contains("password") && !text.contains("scram"), "{text}");
        let data = answer.body["data"].as_array().unwrap_or_else(|| panic!("{answer:?}"));
        let of = |row: &serde_json::Value, name: &str| row[name].as_str().unwrap().to_owned();
        data.iter().map(|row| (of(row, "user"), of(row, "status"))).collect()
    };
    let row = |user: &str, status: &str| (format!("{user}@example.com"), status.to_owned());
    let (mine, old, others) = (row("ann", "active"), row("ann", "revoked"), row("ben", "active"));
    assert_eq!(listed(&ann, "").await, [mine.clone(), old.clone()]);
    assert_eq!(listed(&ann, "user=ben@example.com").await, []);
    let auditor = world.somebody(hoop_domain::Role::Auditor).await;
    assert_eq!(listed(&auditor, "").await, [mine.clone(), others.clone(), old]);
    assert_eq!(listed(&auditor, "status=active&connection=pg").await, [mine.clone(), others]);
    assert_eq!(listed(&auditor, "limit=1").await, [mine]);
    assert_eq!(listed(&auditor, "connection=nothing").await, []);
    let answer = world.get(&auditor, "/api/credentials?status=lost").await;
    answer.is_problem(422, "status: is active, expired or revoked");
}
