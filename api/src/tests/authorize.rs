//! `control.authorize`: the whole way from a proof to a session on record.

use std::time::Duration;

use hoop_bus::{Bus, ControlRequest, Subject};
use hoop_domain::{agent_key::AgentKey, seal};
use hoop_proto::v1::{self, authorize_reply::Outcome, authorize_request::Proof};
use serde_json::{Value, json};

use super::world::{World, pg_body, session_id};

/// A request that would be granted to the one who shows `proof`.
pub(super) fn request(proof: Proof) -> v1::AuthorizeRequest {
    v1::AuthorizeRequest {
        proof: Some(proof),
        connection_name: "pg".into(),
        protocol: "postgres".into(),
        client_address: "192.0.2.1:4711".into(),
        client_application: "psql\u{1b}[2J".into(),
        verb: "connect".into(),
        exec: None,
        access_seconds: 0,
        runbook: bytes::Bytes::new(),
        session: bytes::Bytes::new(),
        traceparent: String::new(),
    }
}

pub(super) async fn authorize(world: &World, request: &v1::AuthorizeRequest) -> Outcome {
    let edge = Bus::connect(&world.nats.url(), "edge").await.unwrap();
    let subject = Subject::Control(ControlRequest::Authorize);
    let reply: v1::AuthorizeReply =
        edge.request(&subject, request, Duration::from_secs(10)).await.unwrap();
    reply.outcome.unwrap()
}

async fn refusal(world: &World, request: &v1::AuthorizeRequest) -> String {
    match authorize(world, request).await {
        Outcome::Denial(denial) => denial.code,
        Outcome::Grant(grant) => panic!("granted: {grant:?}"),
    }
}

/// A credential of a new member of `dba`, as proof.
async fn credential(world: &World) -> Proof {
    let dba = world.user("dba@example.com", &["dba"]).await;
    let made = world.post(&dba, "/api/connections/pg/credentials", json!({})).await;
    Proof::CredentialUsername(made.body["username"].as_str().unwrap().into())
}

#[tokio::test]
async fn a_grant_has_a_secret_for_the_agent_and_a_session_on_record() {
    let world = World::new().await;
    let root = world.root().await;
    let agent = world.post(&root, "/api/agents", json!({ "name": "dev" })).await;
    let key = agent.body["token"].as_str().unwrap();
    let key = key.split_once("://dev:").unwrap().1.split_once('@').unwrap().0;
    let key = AgentKey::parse(key).unwrap();
    world.post(&root, "/api/connections", pg_body("pg")).await;

    let Outcome::Grant(grant) = authorize(&world, &request(credential(&world).await)).await else {
        panic!("refused");
    };
    let session = session_id(&grant.session);
    let secret = seal::open(&key.seal_key().unwrap(), session, &grant.sealed_secret).unwrap();
    let secret: Value = serde_json::from_slice(&secret).unwrap();
    assert_eq!(secret, json!({ "HOST": "127.0.0.1", "USER": "app", "PASS": "hunter2" }));
    assert_eq!(grant.agent_name, "dev");
    assert_ne!(grant.not_after, 0, "it ends when the credential does");
    assert_eq!(grant.audit_level(), v1::AuditLevel::Strict, "unless the connection says otherwise");

    let shown = world.get(&root, &format!("/api/sessions/{session}")).await.body;
    assert_eq!((&shown["status"], &shown["user"]), (&json!("opening"), &json!("dba@example.com")));
    assert_eq!(shown["client_address"], "192.0.2.1:4711");
    assert_eq!(shown["client_application"], "psql[2J", "nothing that a terminal would obey");
}

#[tokio::test]
async fn who_proves_nothing_opens_nothing() {
    let world = World::new().await;
    world.pg().await;
    let ask = async |proof| refusal(&world, &request(proof)).await;
    assert_eq!(ask(Proof::CredentialUsername("c-nobody".into())).await, "unauthenticated");
    assert_eq!(ask(Proof::BearerToken("hpk_made-up".into())).await, "unauthenticated");
    assert_eq!(ask(Proof::BearerToken(String::new())).await, "unauthenticated");
    let nothing = v1::AuthorizeRequest { proof: None, ..request(Proof::BearerToken("".into())) };
    assert_eq!(refusal(&world, &nothing).await, "malformed");
}

#[tokio::test]
async fn a_credential_opens_its_own_connection_on_its_own_port() {
    let world = World::new().await;
    world.pg().await;
    world.post(&world.root().await, "/api/connections", pg_body("other")).await;
    let good = request(credential(&world).await);
    for name in ["other", "none", "", "../pg", "pg\0"] {
        let asked = v1::AuthorizeRequest { connection_name: name.into(), ..good.clone() };
        assert_eq!(refusal(&world, &asked).await, "connection_not_found", "{name:?}");
    }
    for protocol in ["tcp", "mysql"] {
        let asked = v1::AuthorizeRequest { protocol: protocol.into(), ..good.clone() };
        assert_eq!(refusal(&world, &asked).await, "wrong_protocol");
    }
    assert!(matches!(authorize(&world, &good).await, Outcome::Grant(_)));
}

#[tokio::test]
async fn what_is_taken_away_is_refused_from_then_on() {
    let world = World::new().await;
    world.pg().await;
    let root = world.root().await;
    let good = request(credential(&world).await);
    let user = "/api/users/dba@example.com";

    world.put(&root, user, json!({ "groups": ["dev"] })).await;
    assert_eq!(refusal(&world, &good).await, "connection_not_found");
    world.put(&root, user, json!({ "groups": ["dba"], "status": "inactive" })).await;
    assert_eq!(refusal(&world, &good).await, "unauthenticated");
    world.put(&root, user, json!({ "status": "active" })).await;
    world.delete(&root, "/api/agents/dev").await;
    assert_eq!(refusal(&world, &good).await, "agent_unknown");
}

#[tokio::test]
async fn a_token_opens_what_its_owner_may_open() {
    let world = World::new().await;
    world.pg().await;
    let (dba, dev) =
        (world.user("a@example.com", &["dba"]).await, world.user("b@example.com", &["dev"]).await);
    let ask = |token: &str| v1::AuthorizeRequest {
        protocol: String::new(),
        ..request(Proof::BearerToken(token.into()))
    };
    let Outcome::Grant(grant) = authorize(&world, &ask(&dba)).await else { panic!("refused") };
    assert_eq!((grant.user_email.as_str(), grant.not_after), ("a@example.com", 0));
    assert_eq!(refusal(&world, &ask(&dev)).await, "connection_not_found");
}

#[tokio::test]
async fn in_the_dev_profile_a_token_is_not_needed() {
    let world = World::with(&[("PROFILE", "dev")]).await;
    assert_eq!(world.post("", "/api/agents", json!({ "name": "dev" })).await.status, 201);
    assert_eq!(world.post("", "/api/connections", pg_body("pg")).await.status, 201);
    let mut ask = request(Proof::BearerToken(String::new()));
    assert_eq!(refusal(&world, &ask).await, "unauthenticated", "of another machine");
    for here in ["127.0.0.1:4711", "[::1]:4711", "::ffff:127.0.0.1"] {
        ask.client_address = here.into();
        assert!(matches!(authorize(&world, &ask).await, Outcome::Grant(_)), "{here}");
    }
    let world = World::with(&[("PROFILE", "dev"), ("PROFILE_DEV_FORCE", "1")]).await;
    assert_eq!(world.post("", "/api/agents", json!({ "name": "dev" })).await.status, 201);
    assert_eq!(world.post("", "/api/connections", pg_body("pg")).await.status, 201);
    ask.client_address = "192.0.2.1:4711".into();
    assert!(matches!(authorize(&world, &ask).await, Outcome::Grant(_)), "forced");
}

/// A request over gRPC with this token.
fn over_grpc(token: &str, verb: &str) -> v1::AuthorizeRequest {
    v1::AuthorizeRequest {
        protocol: String::new(),
        verb: verb.into(),
        ..request(Proof::BearerToken(token.into()))
    }
}

#[tokio::test]
async fn a_verb_is_granted_where_it_is_switched_on_and_kept_with_the_session() {
    let world = World::new().await;
    world.pg().await;
    let root = world.root().await;
    let mut body = pg_body("pg");
    body["access_mode_connect"] = json!("disabled");
    body["command"] = json!(["psql", "-At"]);
    body["idle_timeout_seconds"] = json!(60);
    body["audit_level"] = json!("synced");
    assert_eq!(world.put(&root, "/api/connections/pg", body).await.status, 200);
    assert_eq!(refusal(&world, &over_grpc(&root, "")).await, "mode_disabled");
    assert_eq!(refusal(&world, &over_grpc(&root, "dance")).await, "malformed");
    let Outcome::Grant(grant) = authorize(&world, &over_grpc(&root, "exec")).await else {
        panic!("refused");
    };
    assert_eq!((grant.command.len(), grant.idle_timeout_seconds), (2, 60));
    assert_eq!(grant.agent_mode, "standard");
    assert_eq!(grant.audit_level(), v1::AuditLevel::Synced);
    let session = session_id(&grant.session);
    let shown = world.get(&root, &format!("/api/sessions/{session}")).await.body;
    assert_eq!((&shown["verb"], &shown["command"]), (&json!("exec"), &json!(["psql", "-At"])));
    for (filter, count) in [("verb=exec&agent=dev", 1), ("verb=connect", 0), ("agent=other", 0)] {
        let found = world.get(&root, &format!("/api/sessions?{filter}")).await.body;
        assert_eq!(found["data"].as_array().unwrap().len(), count, "{filter}");
    }
}

#[tokio::test]
async fn of_many_who_ask_at_once_as_many_get_in_as_there_is_room() {
    let world = World::new().await;
    world.pg().await;
    let root = world.root().await;
    let mut body = pg_body("pg");
    (body["max_sessions"], body["max_sessions_per_user"]) = (json!(3), json!(2));
    assert_eq!(world.put(&root, "/api/connections/pg", body).await.status, 200);
    let other = world.user("dba@example.com", &["dba"]).await;
    let admitted = async |token: &str| {
        let ask = over_grpc(token, "connect");
        let answers = futures_util::future::join_all((0..8).map(|_| authorize(&world, &ask))).await;
        let denied = answers.iter().filter_map(|outcome| match outcome {
            Outcome::Denial(denial) => Some(denial.code.as_str()),
            Outcome::Grant(_) => None,
        });
        assert!(denied.clone().all(|code| code == "too_many_sessions"));
        answers.len() - denied.count()
    };
    assert_eq!(admitted(&root).await, 2, "two are one user's share");
    assert_eq!(admitted(&other).await, 1, "one is left of three");
    let open = world.get(&root, "/api/sessions?status=opening").await.body;
    let ended = open["data"][0]["id"].as_str().unwrap();
    assert_eq!(world.delete(&root, &format!("/api/sessions/{ended}")).await.status, 204);
    assert_eq!(admitted(&other).await, 1, "one that has to end makes room");
}

#[tokio::test]
async fn a_question_that_is_asked_again_opens_one_session_where_there_is_room_for_one() {
    let world = World::new().await;
    world.pg().await;
    let root = world.root().await;
    let mut body = pg_body("pg");
    body["max_sessions"] = json!(1);
    assert_eq!(world.put(&root, "/api/connections/pg", body).await.status, 200);
    let id = hoop_domain::SessionId::generate();
    let session = bytes::Bytes::copy_from_slice(id.as_bytes());
    let ask = v1::AuthorizeRequest { session, ..over_grpc(&root, "connect") };
    // As when an answer is late, and when it was lost.
    let answers = futures_util::future::join_all((0..4).map(|_| authorize(&world, &ask))).await;
    for outcome in answers.into_iter().chain([authorize(&world, &ask).await]) {
        let Outcome::Grant(grant) = outcome else { panic!("refused") };
        assert_eq!(session_id(&grant.session), id);
    }
    let on_record = world.get(&root, "/api/sessions").await.body;
    assert_eq!(on_record["data"].as_array().unwrap().len(), 1, "{on_record}");
    assert_eq!(refusal(&world, &over_grpc(&root, "connect")).await, "too_many_sessions");

    world.app.store.session_open(id, world.app.now()).await.unwrap();
    assert_eq!(refusal(&world, &ask).await, "decider_unavailable", "it has begun");
    let session = bytes::Bytes::from_static(b"none");
    let malformed = v1::AuthorizeRequest { session, ..ask };
    assert_eq!(refusal(&world, &malformed).await, "malformed");
}

#[tokio::test]
async fn a_revoked_token_ends_what_it_opened_and_nothing_else() {
    let world = World::new().await;
    world.pg().await;
    let root = world.root().await;
    let open = async |token: &str| match authorize(&world, &over_grpc(token, "")).await {
        Outcome::Grant(grant) => session_id(&grant.session),
        Outcome::Denial(denial) => panic!("{denial:?}"),
    };
    let mine = "/api/users/root@example.com/tokens";
    let made = world.post(&root, mine, json!({ "name": "ci" })).await;
    let session = open(made.body["token"].as_str().unwrap()).await;
    open(&root).await;
    let listed = world.get(&root, mine).await;
    assert_eq!((&listed.body[0]["name"], &listed.body[0]["token"]), (&json!("ci"), &Value::Null));
    let one = format!("{mine}/{}", made.body["id"].as_str().unwrap());
    let stranger = world.user("dba@example.com", &["dba"]).await;
    assert_eq!(world.delete(&stranger, &one).await.status, 404);
    assert_eq!(world.get(&stranger, mine).await.status, 404);
    assert_eq!(world.delete(&root, &one).await.status, 204);
    assert_eq!(world.delete(&root, &one).await.status, 404);
    // The reconciler may have been quicker; both leave the same mark.
    crate::reconcile::step(&world.app, false).await.unwrap();
    let told = world.app.store.session_seen("edge", &[session], world.app.now()).await.unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].reason, hoop_domain::EndReason::AccessRevoked);
}

#[tokio::test]
async fn nobody_is_let_in_where_there_is_no_room_to_record_them() {
    let world = World::new().await;
    world.pg().await;
    let good = request(credential(&world).await);
    let writer = hoop_store::recording::WriterId::generate();
    world
        .sql(&format!(
            "insert into audit_writers (id, seen_at) values ('{writer}', now());
             update partition_leases set owner = '{writer}', expires_at = 'infinity'"
        ))
        .await;
    assert!(matches!(authorize(&world, &good).await, Outcome::Grant(_)));
    for trouble in ["spool_nearly_full", "stream_nearly_full"] {
        world.sql(&format!("update audit_writers set trouble = '{trouble}'")).await;
        let Outcome::Denial(denial) = authorize(&world, &good).await else { panic!("granted") };
        assert_eq!(denial.code, "recording_full");
        assert!(denial.message.contains("recording disk is nearly full"), "{}", denial.message);
    }
    // What a later version says is no less a reason.
    world.sql("update audit_writers set trouble = 'unheard_of'").await;
    assert_eq!(refusal(&world, &good).await, "decider_unavailable");
    world.sql("update audit_writers set trouble = null").await;
    assert!(matches!(authorize(&world, &good).await, Outcome::Grant(_)));
    world.sql("update partition_leases set seen_at = now() - interval '61 s'").await;
    assert_eq!(refusal(&world, &good).await, "recording_unavailable");
}
