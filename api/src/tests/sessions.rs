//! Sessions over REST: who sees which, page by page, and ending one.

use futures_util::{StreamExt, future::join_all};
use hoop_bus::Bus;
use hoop_domain::SessionId;
use hoop_proto::v1::{authorize_reply::Outcome, authorize_request::Proof};
use serde_json::json;

use super::{
    authorize::{authorize, request},
    world::{World, session_id},
};

/// Opens a session with this token.
pub(super) async fn open(world: &World, token: &str) -> SessionId {
    match authorize(world, &request(Proof::BearerToken(token.into()))).await {
        Outcome::Grant(grant) => session_id(&grant.session),
        Outcome::Denial(denial) => panic!("{denial:?}"),
    }
}

#[tokio::test]
async fn what_older_clients_send_with_a_command_is_taken_unless_it_promises_something() {
    let world = World::new().await;
    let root = world.root().await;
    let mut body = json!({
        "connection": "pg", "script": "select 1", "labels": { "a": "b" }, "metadata": null,
        "correlation_id": "1", "session_batch_id": "2", "wait_seconds": 51,
    });
    // Nothing is wrong with it but how long it is to be waited for.
    for wrong in ["wait_seconds", "env_vars"] {
        body[wrong] = json!(51);
        let answer = world.post(&root, "/api/sessions", body.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.body["field"].as_str()), (422, Some(wrong)));
    }
}

#[tokio::test]
async fn what_is_said_of_a_session_is_shown_with_it_and_bounded() {
    let world = World::new().await;
    world.pg().await;
    let ann = world.user("ann@example.com", &["dba"]).await;
    let session = open(&world, &ann).await;
    let path = format!("/api/sessions/{session}");
    let plain = world.get(&ann, &path).await.body;
    let unsaid = (&plain["labels"], &plain["metadata"], &plain["correlation_id"]);
    assert_eq!(unsaid, (&json!({}), &json!({}), &json!(null)));
    let said = json!({
        "labels": { "team": "a" }, "metadata": { "why": [1] }, "correlation_id": "c-1",
        "session_batch_id": "b-1",
    });
    assert!(world.app.org.session_annotate(session, None, Some(&said)).await.unwrap());
    let listed = world.get(&ann, "/api/sessions").await.body["data"][0].clone();
    for shown in [world.get(&ann, &path).await.body, listed] {
        for (field, value) in said.as_object().unwrap() {
            assert_eq!(&shown[field], value, "{field}");
        }
    }
    for value in ["x".repeat(16 * 1024), "a\0b".into()] {
        let body = json!({ "connection": "pg", "metadata": { "a": value } });
        let refused = world.post(&ann, "/api/sessions", body).await;
        let told = (refused.status.as_u16(), refused.body["field"].as_str());
        assert_eq!(told, (422, Some("metadata")));
    }
}

#[tokio::test]
async fn who_ran_it_says_more_of_a_session_name_by_name() {
    let world = World::new().await;
    world.pg().await;
    let ann = world.user("ann@example.com", &["dba"]).await;
    let ben = world.user("ben@example.com", &["dba"]).await;
    let (auditor, root) = (world.user("eve@example.com", &["auditor"]).await, world.root().await);
    let session = open(&world, &ann).await;
    let labels = json!({ "labels": { "team": "a" } });
    assert!(world.app.org.session_annotate(session, None, Some(&labels)).await.unwrap());
    let (shown, path) =
        (format!("/api/sessions/{session}"), format!("/api/sessions/{session}/metadata"));
    for (who, said, kept) in [
        (&ann, json!({ "ticket": "T-1", "cost": 3 }), json!({ "ticket": "T-1", "cost": 3 })),
        (&root, json!({ "cost": null, "seen": true }), json!({ "ticket": "T-1", "seen": true })),
        (&ann, json!({ "ticket": { "id": 2 }, "seen": null }), json!({ "ticket": { "id": 2 } })),
        (&ann, json!({}), json!({ "ticket": { "id": 2 } })),
        (&ann, json!({ "ticket": null }), json!({})),
    ] {
        let answer = world.patch(who, &path, json!({ "metadata": said })).await;
        assert_eq!((answer.status.as_u16(), &answer.body["metadata"]), (200, &kept), "{said}");
        let now = world.get(&ann, &shown).await.body;
        assert_eq!((&now["metadata"], &now["labels"]), (&kept, &json!({ "team": "a" })));
    }
    let said = json!({ "metadata": { "a": 1 } });
    for (who, status) in [(&ben, 404), (&auditor, 403)] {
        assert_eq!(world.patch(who, &path, said.clone()).await.status, status);
    }
    for (body, field) in [
        (json!({}), "metadata"),
        (json!({ "metadata": null }), "metadata"),
        (json!({ "metadata": ["a"] }), "metadata"),
        (json!({ "metadata": { "a": "x".repeat(16 * 1024) } }), "metadata"),
        (json!({ "metadata": { "a\0": 1 } }), "metadata"),
        (json!({ "metadata": {}, "labels": {} }), "labels"),
    ] {
        let refused = world.patch(&ann, &path, body).await;
        let told = (refused.status.as_u16(), refused.body["field"].as_str());
        assert_eq!(told, (422, Some(field)));
    }
    assert_eq!(world.get(&ann, &shown).await.body["metadata"], json!({}), "nothing was done");
    let lines = world.sql("select action || ' ' || payload from audit_log").await;
    assert!(lines.contains("metadata {\"metadata\""), "{lines}");
    assert!(!lines.contains("T-1"), "{lines}");
}

#[tokio::test]
async fn of_many_who_say_something_at_once_nothing_is_lost() {
    let world = World::new().await;
    world.pg().await;
    let ann = world.user("ann@example.com", &["dba"]).await;
    let path = format!("/api/sessions/{}/metadata", open(&world, &ann).await);
    let said = ["a", "b", "c"].map(|name| {
        let mut body = json!({ "metadata": {} });
        body["metadata"][name] = json!(1);
        world.patch(&ann, &path, body)
    });
    for answer in join_all(said).await {
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let all = world.patch(&ann, &path, json!({ "metadata": {} })).await.body;
    assert_eq!(all["metadata"], json!({ "a": 1, "b": 1, "c": 1 }));
}

#[tokio::test]
async fn people_see_their_own_sessions_and_auditors_all() {
    let world = World::new().await;
    world.pg().await;
    let ann = world.user("ann@example.com", &["dba"]).await;
    let ben = world.user("ben@example.com", &["dba"]).await;
    let auditor = world.user("eve@example.com", &["auditor"]).await;
    let session = open(&world, &ann).await;
    for base in ["/api/sessions", "/api/plugins/audit/sessions"] {
        let count =
            async |token: &str| world.get(token, base).await.body["data"].as_array().unwrap().len();
        assert_eq!((count(&ann).await, count(&ben).await, count(&auditor).await), (1, 0, 1));
        for path in [format!("{base}/{session}"), format!("{base}/{session}/status")] {
            assert_eq!(world.get(&ann, &path).await.body["status"], "opening");
            assert_eq!(world.get(&ben, &path).await.status, 404);
            assert_eq!(world.get(&auditor, &path).await.status, 200);
        }
    }
    for rest in ["packets", "statements", "download"] {
        let path = format!("/api/sessions/{session}/{rest}");
        assert_eq!(world.get(&ben, &path).await.status, 404);
        assert_eq!(world.get(&ann, &path).await.status, 200);
    }
}

#[tokio::test]
async fn no_filter_shows_people_more_than_their_own_sessions() {
    let world = World::new().await;
    world.pg().await;
    let ann = world.user("ann@example.com", &["dba"]).await;
    let ben = world.user("ben@example.com", &["dba"]).await;
    let own = json!(open(&world, &ann).await.to_string());
    let other = json!(open(&world, &ben).await.to_string());
    let root = world.root().await;
    let newest = world.get(&root, "/api/sessions?limit=1").await.body;
    assert_eq!(newest["data"][0]["id"], other);
    let cursor = format!("cursor={}", newest["next_cursor"].as_str().unwrap());
    let id = world.get(&ben, "/api/userinfo").await.body["id"].as_str().unwrap().to_owned();
    let bens = format!("user={id}");
    for base in ["/api/sessions", "/api/plugins/audit/sessions"] {
        for (filter, all, shown) in [
            ("limit=100", 2, 1),
            ("connection=pg", 2, 1),
            ("agent=dev", 2, 1),
            ("verb=connect", 2, 1),
            ("type=database", 2, 1),
            ("type=postgres", 2, 1),
            ("status=opening", 2, 1),
            ("start_date=2000-01-01T00:00:00Z", 2, 1),
            ("end_date=2200-01-01T00:00:00Z", 2, 1),
            ("user=ben@example.com", 1, 0),
            (bens.as_str(), 1, 0),
            (cursor.as_str(), 1, 1),
        ] {
            let path = format!("{base}?{filter}");
            let seen = world.get(&root, &path).await.body;
            assert_eq!(seen["data"].as_array().unwrap().len(), all, "{path}");
            let seen = world.get(&ann, &format!("{path}&count=true")).await.body;
            let ids: Vec<_> = seen["data"].as_array().unwrap().iter().map(|it| &it["id"]).collect();
            assert_eq!(ids, vec![&own; shown], "{path}");
            assert_eq!(seen["total"], shown, "{path}");
        }
    }
}

#[tokio::test]
async fn a_cursor_leads_to_the_next_page() {
    let world = World::new().await;
    world.pg().await;
    let root = world.root().await;
    let mut made = Vec::new();
    for _ in 0..3 {
        made.push(open(&world, &root).await.to_string());
    }
    made.reverse();
    let first = world.get(&root, "/api/sessions?limit=2&count=true").await.body;
    assert_eq!((&first["has_next_page"], &first["total"]), (&json!(true), &json!(3)));
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = world.get(&root, &format!("/api/sessions?limit=2&cursor={cursor}")).await.body;
    assert_eq!(second["has_next_page"], false);
    let pages = [&first, &second].map(|page| page["data"].as_array().unwrap().clone()).concat();
    let ids: Vec<_> = pages.iter().map(|session| session["id"].as_str().unwrap()).collect();
    assert_eq!(ids, made);
    for wrong in ["limit=0", "limit=101", "cursor=x", "status=x", "type=x", "start_date=x"] {
        let answer = world.get(&root, &format!("/api/sessions?{wrong}")).await;
        let field = wrong.split_once('=').unwrap().0;
        assert_eq!((answer.status.as_u16(), answer.body["field"].as_str()), (422, Some(field)));
    }
}

#[tokio::test]
async fn a_kill_reaches_the_edge_with_who_did_it() {
    let world = World::new().await;
    world.pg().await;
    let ann = world.user("ann@example.com", &["dba"]).await;
    let auditor = world.user("eve@example.com", &["auditor"]).await;
    let session = open(&world, &ann).await;
    let edge = Bus::connect(&world.nats.url(), "edge").await.unwrap();
    let mut relay = edge.relay(session).await.unwrap();
    edge.client().flush().await.unwrap();

    let path = format!("/api/sessions/{session}");
    assert_eq!(world.delete(&auditor, &path).await.status, 403);
    let (root, kill) = (world.root().await, format!("{path}/kill"));
    let refused = world.post(&root, &kill, json!({ "reason": "a\u{1b}[2J" })).await;
    assert_eq!((refused.status.as_u16(), refused.body["field"].as_str()), (422, Some("reason")));
    assert_eq!(world.post(&root, &kill, json!({ "reason": "maintenance" })).await.status, 204);
    let notice = tokio::time::timeout(hoop_testkit::patience(), relay.next()).await;
    let notice = notice.unwrap().unwrap();
    assert_eq!(notice.subject.as_str(), format!("relay.{session}.kill"));
    let text = String::from_utf8_lossy(&notice.payload).into_owned();
    assert!(text.contains("ended by root@example.com: maintenance"), "{text}");
    // Again, and by its user: nothing happens, and that is fine.
    assert_eq!(world.delete(&ann, &path).await.status, 204);
}
