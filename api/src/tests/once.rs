//! Requests with an `Idempotency-Key`: sent twice, done once.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::future::join_all;
use hoop_domain::Role;
use http::{Request, header};
use serde_json::{Value, json};

use super::world::World;
use crate::reconcile;

#[derive(Debug)]
struct Reply {
    status: u16,
    replayed: bool,
    kind: String,
    body: Value,
}

impl Reply {
    fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }
}

async fn post(world: &World, token: &str, path: &str, key: &str, body: &Value) -> Reply {
    let request = Request::post(path)
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "application/json")
        .header("idempotency-key", key);
    let response = world.answer(request.body(Body::from(body.to_string())).unwrap()).await;
    let headers = response.headers().clone();
    let header = |name: &str| {
        let value = headers.get(name).map(|value| value.to_str().unwrap());
        value.unwrap_or_default().to_owned()
    };
    let (status, kind) = (response.status().as_u16(), header("content-type"));
    let replayed = header("idempotent-replayed") == "true";
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    Reply { status, replayed, kind, body }
}

const KEYS: &str = "/api/api-keys";
const GROUPS: &str = "/api/users/groups";
const USERS: &str = "/api/users";

#[tokio::test]
async fn a_request_that_is_sent_twice_is_done_once_and_answered_twice() {
    let world = World::new().await;
    let (root, ci) = (world.root().await, json!({ "name": "ci" }));
    let first = post(&world, &root, KEYS, "8e03978e", &ci).await;
    assert_eq!((first.status, first.replayed), (201, false), "{first:?}");
    let secret = first.body["key"].as_str().unwrap();
    assert!(secret.starts_with("hpk_"));
    // With quotes it is the same key, and another token is the same user.
    for (token, key) in [(&root, "8e03978e"), (&world.root().await, "\"8e03978e\"")] {
        let again = post(&world, token, KEYS, key, &ci).await;
        assert_eq!((again.status, again.replayed), (201, true), "{again:?}");
        assert_eq!((&again.body, &again.kind), (&first.body, &first.kind));
    }
    assert_eq!(world.sql("select count(*) from api_keys").await, "1");
    let told = world.sql("select count(*) from audit_log where error_message like '%again%'").await;
    assert_eq!(told, "2", "the audit log says that nothing was done");
}

#[tokio::test]
async fn a_key_is_that_of_one_request_of_one_identity_at_one_route() {
    let world = World::new().await;
    let (root, other) = (world.root().await, world.somebody(Role::Admin).await);
    assert_eq!(post(&world, &root, KEYS, "k", &json!({ "name": "ci" })).await.status, 201);
    let changed = post(&world, &root, KEYS, "k", &json!({ "name": "cd" })).await;
    assert_eq!((changed.status, &changed.body["field"]), (422, &json!("idempotency-key")));
    let theirs = post(&world, &other, KEYS, "k", &json!({ "name": "cd" })).await;
    assert_eq!((theirs.status, theirs.replayed), (201, false), "{theirs:?}");
    let elsewhere = post(&world, &root, GROUPS, "k", &json!({ "name": "dba" })).await;
    assert_eq!((elsewhere.status, elsewhere.replayed), (201, false), "{elsewhere:?}");
}

#[tokio::test]
async fn of_requests_at_the_same_time_one_is_done() {
    let world = World::new().await;
    let (root, body) = (world.root().await, json!({ "name": "robot", "groups": ["dba"] }));
    let replies = join_all((0..8).map(|_| post(&world, &root, KEYS, "same", &body))).await;
    let made: Vec<_> = replies.iter().filter(|reply| reply.status == 201).collect();
    assert!(!made.is_empty(), "{replies:?}");
    assert!(made.iter().all(|reply| reply.body == made[0].body), "{replies:?}");
    for reply in replies.iter().filter(|reply| reply.status != 201) {
        assert_eq!(reply.status, 409, "{reply:?}");
        assert!(reply.message().contains("is under way"), "{reply:?}");
    }
    assert_eq!(world.sql("select count(*) from api_keys").await, "1");
}

#[tokio::test]
async fn a_request_goes_on_when_who_sent_it_has_hung_up() {
    let world = Arc::new(World::new().await);
    let (root, body) =
        (world.root().await, json!({ "email": "ann@example.com", "password": "battery staple" }));
    let hasty = {
        let (world, root, body) = (Arc::clone(&world), root.clone(), body.clone());
        tokio::spawn(async move { post(&world, &root, USERS, "k", &body).await.status })
    };
    let state = async |sql: &str| world.sql(&format!("select {sql} from idempotency_keys")).await;
    hoop_testkit::eventually("the request to be begun", async || {
        anyhow::ensure!(state("count(*)").await == "1", "not yet");
        Ok(())
    })
    .await
    .unwrap();
    hasty.abort();
    hoop_testkit::eventually("the request to be done", async || {
        anyhow::ensure!(state("count(status)").await == "1", "not yet");
        Ok(())
    })
    .await
    .unwrap();
    let again = post(&world, &root, USERS, "k", &body).await;
    assert_eq!((again.status, again.replayed), (201, true), "{again:?}");
}

#[tokio::test]
async fn what_came_to_nothing_may_be_tried_again() {
    let world = World::new().await;
    let (root, dba) = (world.root().await, json!({ "name": "dba" }));
    assert_eq!(world.post(&root, GROUPS, dba.clone()).await.status, 201);
    assert_eq!(post(&world, &root, GROUPS, "k", &dba).await.status, 409);
    assert_eq!(world.delete(&root, "/api/users/groups/dba").await.status, 204);
    let again = post(&world, &root, GROUPS, "k", &dba).await;
    assert_eq!((again.status, again.replayed), (201, false), "{again:?}");
}

#[tokio::test]
async fn what_nobody_saw_end_is_not_done_again() {
    let world = World::new().await;
    let (root, body) = (world.root().await, json!({ "name": "dba" }));
    assert_eq!(post(&world, &root, GROUPS, "k", &body).await.status, 201);
    for (minutes, words) in [(1, "is under way"), (11, "look whether it was done")] {
        let sql = format!(
            "update idempotency_keys set status = null, answer = null,
             begun_at = now() - interval '{minutes} minutes'"
        );
        world.sql(&sql).await;
        let refused = post(&world, &root, GROUPS, "k", &body).await;
        assert_eq!(refused.status, 409, "{refused:?}");
        assert!(refused.message().contains(words), "{refused:?}");
    }
}

#[tokio::test]
async fn an_answer_is_kept_encrypted_and_for_a_day() {
    let mut world = World::new().await;
    let (root, ci) = (world.root().await, json!({ "name": "ci" }));
    assert_eq!(post(&world, &root, KEYS, "k", &ci).await.status, 201);
    // Even who has the database needs the key of the gateway.
    world.restart(&[("SECRETS_KEY", &STANDARD.encode([9; 32]))]).await;
    let lost = post(&world, &root, KEYS, "k", &ci).await;
    assert_eq!(lost.status, 409, "{lost:?}");
    assert!(lost.message().contains("its answer is not kept"), "{lost:?}");

    world.sql("update idempotency_keys set begun_at = now() - interval '25 hours'").await;
    reconcile::step(&world.app, false).await.unwrap();
    assert_eq!(world.sql("select count(*) from idempotency_keys").await, "0");
}

#[tokio::test]
async fn a_key_that_is_none_is_refused() {
    let world = World::new().await;
    let root = world.root().await;
    for key in ["", "\"\"", "a\"b", &"x".repeat(256)] {
        let refused = post(&world, &root, GROUPS, key, &json!({ "name": "dba" })).await;
        assert_eq!(refused.status, 400, "{key}: {refused:?}");
        assert!(refused.message().starts_with("idempotency-key: "), "{refused:?}");
    }
    assert_eq!(world.sql("select count(*) from groups where name = 'dba'").await, "0");
}
