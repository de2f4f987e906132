//! API keys and service accounts: what they may, and what ends them.

use hoop_proto::v1::{authorize_reply::Outcome, authorize_request::Proof};
use serde_json::{Value, json};

use super::{
    authorize::{authorize, request},
    world::World,
};
use crate::reconcile;

/// Makes a key and returns what was answered.
async fn key(world: &World, body: Value) -> Value {
    let made = world.post(&world.root().await, "/api/api-keys", body).await;
    assert_eq!(made.status, 201, "{made:?}");
    made.body
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

/// Whether the key opens `pg` on an edge, and the session if it does.
async fn opens(world: &World, key: &str) -> Option<String> {
    let mut asked = request(Proof::BearerToken(key.into()));
    asked.protocol = String::new();
    match authorize(world, &asked).await {
        Outcome::Grant(grant) => Some(super::world::session_id(&grant.session).to_string()),
        Outcome::Denial(_) => None,
    }
}

/// Whether an edge is told to end the session.
async fn is_killed(world: &World, session: &str) -> bool {
    let sessions = [session.parse().unwrap()];
    !world.app.store.session_seen("edge", &sessions, world.app.now()).await.unwrap().is_empty()
}

#[tokio::test]
async fn a_key_may_do_what_its_own_groups_may() {
    let world = World::new().await;
    world.pg().await;
    let root = world.root().await;
    let made = key(&world, json!({ "name": "ci-deploy", "groups": ["dba"] })).await;
    let secret = text(&made, "key");
    assert!(secret.starts_with("hpk_"), "{made}");
    assert_eq!(made["created_by"], "root@example.com");

    let me = world.get(&secret, "/api/userinfo").await.body;
    assert_eq!((text(&me, "name"), text(&me, "role")), ("ci-deploy".into(), "standard".into()));
    assert_eq!(world.get(&secret, "/api/users").await.status, 403);
    let session = opens(&world, &secret).await.unwrap();
    let shown = world.get(&root, &format!("/api/sessions/{session}")).await.body;
    assert_eq!(text(&shown, "user_name"), "ci-deploy");
    assert_eq!(text(&shown, "user"), "api-key:ci-deploy");

    // What it is can't be had again, and it is no user.
    let listed = world.get(&root, "/api/api-keys").await;
    assert!(!String::from_utf8_lossy(&listed.bytes).contains(&secret), "{listed:?}");
    assert_eq!(listed.body[0]["masked_key"].as_str().unwrap().chars().count(), 13);
    let users = world.get(&root, "/api/users").await;
    assert!(!users.body.to_string().contains("ci-deploy"), "{users:?}");
    let id = text(&me, "id");
    for path in [format!("/api/users/{id}"), "/api/users/api-key:ci-deploy".into()] {
        world.get(&root, &path).await.is_problem(404, "there is no such user");
    }

    let change = json!({ "groups": ["dev"] });
    assert_eq!(world.put(&root, "/api/api-keys/ci-deploy", change).await.status, 200);
    assert_eq!(opens(&world, &secret).await, None);
    reconcile::step(&world.app, false).await.unwrap();
    assert!(is_killed(&world, &session).await, "the live session ends");
}

#[tokio::test]
async fn a_key_with_the_group_admin_administers_and_is_named_in_the_audit_log() {
    let world = World::new().await;
    let made = key(&world, json!({ "name": "terraform", "groups": ["admin"] })).await;
    let made = world.post(&text(&made, "key"), "/api/users/groups", json!({ "name": "dba" })).await;
    assert_eq!(made.status, 201, "{made:?}");
    let (all, complete) = world.app.org.audit_count("POST", "/api/users/groups").await.unwrap();
    assert_eq!((all, complete), (1, 1));
}

#[tokio::test]
async fn a_revoked_key_is_nobody_until_it_is_reactivated() {
    let world = World::new().await;
    world.pg().await;
    let root = world.root().await;
    let made = key(&world, json!({ "name": "ci", "groups": ["dba"] })).await;
    let (secret, id) = (text(&made, "key"), text(&made, "id"));
    let session = opens(&world, &secret).await.unwrap();
    let native = world.post(&secret, "/api/connections/pg/credentials", json!({})).await;
    let native = Proof::CredentialUsername(text(&native.body, "username"));

    assert_eq!(world.delete(&root, &format!("/api/api-keys/{id}")).await.status, 204);
    assert_eq!(world.get(&secret, "/api/userinfo").await.status, 401);
    assert_eq!(opens(&world, &secret).await, None);
    let denied = authorize(&world, &request(native.clone())).await;
    assert!(matches!(denied, Outcome::Denial(_)), "what it has made ends with it");
    reconcile::step(&world.app, false).await.unwrap();
    assert!(is_killed(&world, &session).await, "and so do live sessions");
    let shown = world.get(&root, "/api/api-keys/ci").await.body;
    assert_eq!(text(&shown, "status"), "revoked");
    assert_eq!(text(&shown, "deactivated_by"), "root@example.com");
    let again = world.post(&root, "/api/api-keys", json!({ "name": "CI" })).await;
    assert_eq!(again.status, 409, "{again:?}");

    let back = world.post(&root, "/api/api-keys/ci/reactivate", json!({})).await;
    assert_eq!(text(&back.body, "status"), "active");
    assert!(opens(&world, &secret).await.is_some());
    assert!(matches!(authorize(&world, &request(native)).await, Outcome::Grant(_)));
}

#[tokio::test]
async fn a_key_expires_and_takes_what_it_made_with_it() {
    let world = World::new().await;
    world.pg().await;
    let root = world.root().await;
    let made = key(&world, json!({ "name": "ci", "groups": ["dba"], "expires_in_seconds": 3600 }));
    let secret = text(&made.await, "key");
    let native = world.post(&secret, "/api/connections/pg/credentials", json!({})).await;
    let native = request(Proof::CredentialUsername(text(&native.body, "username")));
    assert!(matches!(authorize(&world, &native).await, Outcome::Grant(_)));

    world.sql("update api_keys set expires_at = now() - interval '1 second'").await;
    assert_eq!(world.get(&secret, "/api/userinfo").await.status, 401);
    reconcile::step(&world.app, false).await.unwrap();
    assert!(matches!(authorize(&world, &native).await, Outcome::Denial(_)));
    assert_eq!(world.get(&root, "/api/api-keys/ci").await.body["status"], "expired");
    world.delete(&root, "/api/api-keys/ci").await;
    let refused = world.post(&root, "/api/api-keys/ci/reactivate", json!({})).await;
    assert_eq!(refused.status, 409, "{refused:?}");
    let more = json!({ "expires_in_seconds": 60 });
    assert_eq!(world.put(&root, "/api/api-keys/ci", more).await.status, 200);
    assert_eq!(world.post(&root, "/api/api-keys/ci/reactivate", json!({})).await.status, 200);
    assert_eq!(world.get(&secret, "/api/userinfo").await.status, 200);
}

#[tokio::test]
async fn it_is_known_to_the_minute_when_a_key_was_used() {
    let world = World::new().await;
    let root = world.root().await;
    let secret = text(&key(&world, json!({ "name": "ci" })).await, "key");
    let used = async || world.get(&root, "/api/api-keys/ci").await.body["last_used_at"].clone();
    assert_eq!(used().await, Value::Null);
    world.get(&secret, "/api/userinfo").await;
    hoop_testkit::eventually("the use to be noted", async || {
        anyhow::ensure!(used().await != Value::Null);
        Ok(())
    })
    .await
    .unwrap();
    let first = used().await;
    let digest = crate::auth::token::digest(&secret);
    let owner = world.app.store.api_key_owner(&digest, world.app.now()).await.unwrap().unwrap();
    assert!(!owner.is_use_news(world.app.now()), "the next request writes nothing");
    world.app.store.api_key_used(owner.owner.token, world.app.now()).await.unwrap();
    assert_eq!(used().await, first);
    let later = world.app.now() + chrono::TimeDelta::minutes(2);
    assert!(owner.is_use_news(later));
}

#[tokio::test]
async fn a_service_account_lends_its_groups_to_its_keys() {
    let world = World::new().await;
    world.pg().await;
    let root = world.root().await;
    let account = json!({ "subject": "auth0|robot/1", "name": "Robot", "groups": ["dba"] });
    let made = world.post(&root, "/api/serviceaccounts", account.clone()).await;
    assert_eq!((made.status.as_u16(), text(&made.body, "status")), (201, "active".into()));
    assert_eq!(world.post(&root, "/api/serviceaccounts", account).await.status, 409);
    let user = world.app.org.service_account_user("auth0|robot/1").await.unwrap().unwrap();
    assert_eq!(user.id.to_string(), text(&made.body, "id"));

    let made = key(&world, json!({ "name": "robot-1", "service_account": "auth0|robot/1" })).await;
    let secret = text(&made, "key");
    assert_eq!((&made["groups"], text(&made, "name")), (&json!(["dba"]), "robot-1".into()));
    assert_eq!(world.get(&secret, "/api/userinfo").await.body["name"], "Robot");
    assert!(opens(&world, &secret).await.is_some());

    let path = "/api/serviceaccounts/auth0%7Crobot%2F1";
    let inactive = json!({ "name": "Robot", "status": "inactive", "groups": ["dba"] });
    assert_eq!(world.put(&root, path, inactive).await.status, 200);
    assert_eq!(world.get(&secret, "/api/userinfo").await.status, 401);
    let active = json!({ "status": "active" });
    assert_eq!(world.put(&root, path, active).await.status, 200);
    assert_eq!(world.get(&secret, "/api/userinfo").await.status, 200);
    assert_eq!(world.delete(&root, path).await.status, 204);
    assert_eq!(world.get(&secret, "/api/userinfo").await.status, 401);
    world.get(&root, path).await.is_problem(404, "there is no such service account");
    assert_eq!(world.get(&root, "/api/serviceaccounts").await.body, json!([]));
    assert_eq!(world.get(&root, "/api/api-keys").await.body, json!([]));
}

#[tokio::test]
async fn fields_of_programs_that_make_no_sense_are_named() {
    let world = World::new().await;
    let root = world.root().await;
    for (path, field, body) in [
        ("/api/api-keys", "name", json!({ "name": "../x" })),
        ("/api/api-keys", "groups", json!({ "name": "x", "groups": [""] })),
        ("/api/api-keys", "expires_in_seconds", json!({ "name": "x", "expires_in_seconds": 0 })),
        ("/api/api-keys", "service_account", json!({ "name": "x", "service_account": "nobody" })),
        ("/api/serviceaccounts", "subject", json!({ "name": "x" })),
        ("/api/serviceaccounts", "status", json!({ "subject": "x", "status": "gone" })),
    ] {
        let answer = world.post(&root, path, body).await;
        let said = (answer.status.as_u16(), answer.body["field"].as_str());
        assert_eq!(said, (422, Some(field)), "{path}");
    }
}
