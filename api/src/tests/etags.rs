//! Tags: nobody overwrites what they have not seen, and nobody is sent again what they have.

use axum::body::{Body, to_bytes};
use futures_util::future::join_all;
use http::{HeaderName, Method, Request, header};
use serde_json::{Value, json};

use super::world::{World, pg_body};

/// What came back: its status, its tag and its body.
#[derive(Debug)]
struct Reply(u16, String, Value);

struct Caller<'a> {
    world: &'a World,
    token: String,
}

impl Caller<'_> {
    async fn call(
        &self,
        method: Method,
        path: &str,
        precondition: Option<(&HeaderName, &str)>,
        body: &Value,
    ) -> Reply {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token))
            .header(header::CONTENT_TYPE, "application/json");
        if let Some((name, value)) = precondition {
            request = request.header(name, value);
        }
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let response = self.world.answer(request.body(Body::from(text)).unwrap()).await;
        let status = response.status().as_u16();
        let tag = response.headers().get(header::ETAG);
        let tag = tag.map(|tag| tag.to_str().unwrap().to_owned()).unwrap_or_default();
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        assert!(status != 304 || bytes.is_empty());
        Reply(status, tag, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    async fn get(&self, path: &str) -> Reply {
        self.call(Method::GET, path, None, &Value::Null).await
    }

    async fn put(&self, path: &str, tag: &str, body: &Value) -> Reply {
        self.call(Method::PUT, path, Some((&header::IF_MATCH, tag)), body).await
    }

    async fn patch(&self, path: &str, tag: &str, body: &Value) -> Reply {
        self.call(Method::PATCH, path, Some((&header::IF_MATCH, tag)), body).await
    }

    async fn delete(&self, path: &str, tag: &str) -> u16 {
        let precondition = Some((&header::IF_MATCH, tag));
        self.call(Method::DELETE, path, precondition, &Value::Null).await.0
    }

    async fn is_new(&self, path: &str, tag: &str) -> u16 {
        let precondition = Some((&header::IF_NONE_MATCH, tag));
        self.call(Method::GET, path, precondition, &Value::Null).await.0
    }
}

const PG: &str = "/api/connections/pg";
const ANN: &str = "/api/users/ann@example.com";
const KEY: &str = "/api/api-keys/ci";
const ROBOT: &str = "/api/serviceaccounts/robot";
const SLACK: &str = "/api/plugins/slack";
const HOOK: &str = "/api/notifications/channels/hook";
const ON_CALL: &str = "/api/notifications/subscriptions/on-call";

/// A thing with tags.
struct Thing {
    /// Where it is read and deleted.
    path: &'static str,
    /// Where it is changed.
    put: &'static str,
    /// What changes it.
    body: Value,
    /// What a change is answered when it is deleted; nothing for what can't be.
    gone: Option<u16>,
}

/// One of each kind. What others need comes after them.
fn things() -> [Thing; 8] {
    let thing = |path, body| Thing { path, put: path, body, gone: Some(404) };
    let slack = json!({ "name": "slack", "connections": [], "priority": 2 });
    [
        thing(PG, pg_body("pg")),
        thing(ANN, json!({ "name": "Ann", "groups": ["dba"] })),
        // It stays on the list.
        Thing { gone: Some(412), ..thing(KEY, json!({ "groups": ["dba"] })) },
        thing(ROBOT, json!({ "groups": ["dba"] })),
        Thing { gone: None, ..thing(SLACK, slack) },
        Thing {
            put: "/api/plugins/slack/config",
            gone: None,
            ..thing(SLACK, json!({ "SLACK_BOT_TOKEN": "aHVudGVyMg==" }))
        },
        thing(ON_CALL, on_call()),
        thing(HOOK, hook(None)),
    ]
}

fn hook(secret: Option<&str>) -> Value {
    json!({
        "name": "hook",
        "type": "webhook",
        "settings": { "url": "https://hooks.example.com/" },
        "secrets": { "signing_secret": secret },
    })
}

fn on_call() -> Value {
    json!({ "name": "on-call", "channel": "hook", "events": ["session.*"] })
}

/// An administrator in a world with these things.
async fn caller(world: &World) -> Caller<'_> {
    world.pg().await;
    world.user("ann@example.com", &["dba", "dev"]).await;
    let caller = Caller { world, token: world.root().await };
    for (path, list, body) in [
        (KEY, "/api/api-keys", json!({ "name": "ci", "groups": ["dba"] })),
        (ROBOT, "/api/serviceaccounts", json!({ "subject": "robot", "groups": ["dba"] })),
        (SLACK, "/api/plugins", json!({ "name": "slack", "connections": [] })),
        (HOOK, "/api/notifications/channels", hook(Some("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))),
        (ON_CALL, "/api/notifications/subscriptions", on_call()),
    ] {
        let Reply(status, made, answer) = caller.call(Method::POST, list, None, &body).await;
        assert_eq!(status, 201, "{list}: {answer}");
        // The answer with a key in it is another one than that without.
        if path != KEY {
            assert_eq!(caller.get(path).await.1, made, "{path}");
        }
    }
    caller
}

#[tokio::test]
async fn of_two_who_change_the_same_version_the_second_is_told() {
    let world = World::new().await;
    let caller = caller(&world).await;
    for Thing { path, put, body, gone } in things() {
        let Reply(status, before, _) = caller.get(path).await;
        assert_eq!(status, 200, "{path}");
        let Reply(status, after, answer) = caller.put(put, &before, &body).await;
        assert_eq!(status, 200, "{put}: {answer}");
        assert_ne!(before, after, "{put}");
        let Reply(status, _, problem) = caller.put(put, &before, &body).await;
        assert_eq!(status, 412, "{put}: {problem}");
        let message = problem["message"].as_str().unwrap();
        assert!(message.contains("was changed meanwhile; read it again"), "{message}");
        if gone.is_some() {
            assert_eq!(caller.delete(path, &before).await, 412, "{path}");
        }
        assert_eq!(caller.get(path).await.1, after, "{put}: nothing was done");
        // Without a tag, or with any, one overwrites as ever.
        assert_eq!(world.put(&caller.token, put, body.clone()).await.status, 200, "{put}");
        assert_eq!(caller.put(put, "*", &body).await.0, 200, "{put}");
        let Reply(_, last, _) = caller.get(path).await;
        if let Some(gone) = gone {
            assert_eq!(caller.delete(path, &format!("{after}, {last}")).await, 204, "{path}");
            assert_eq!(caller.put(put, &last, &body).await.0, gone, "{path}");
        }
    }
}

#[tokio::test]
async fn of_many_who_change_the_same_version_at_the_same_time_one_does() {
    let world = World::new().await;
    let caller = caller(&world).await;
    for Thing { path, put, body, .. } in things() {
        let Reply(_, tag, _) = caller.get(path).await;
        let replies = join_all((0..8).map(|_| caller.put(put, &tag, &body))).await;
        let done = replies.iter().filter(|reply| reply.0 == 200).count();
        let told = replies.iter().filter(|reply| reply.0 == 412).count();
        assert_eq!((done, told), (1, 7), "{put}: {replies:?}");
    }
}

#[tokio::test]
async fn who_change_different_fields_at_the_same_time_all_do() {
    const OTHER: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let world = World::new().await;
    let caller = caller(&world).await;
    for path in [ANN, ROBOT] {
        let bodies = [json!({ "name": "N" }), json!({ "groups": ["ops"] })];
        let replies = bodies.map(|body| world.put(&caller.token, path, body));
        for reply in join_all(replies).await {
            assert_eq!(reply.status, 200, "{path}: {reply:?}");
        }
        let Reply(_, _, now) = caller.get(path).await;
        assert_eq!((&now["name"], &now["groups"]), (&json!("N"), &json!(["ops"])), "{path}");
    }
    let bodies = [hook(None), hook(Some(OTHER)), hook(None)];
    for reply in join_all(bodies.map(|body| world.put(&caller.token, HOOK, body))).await {
        assert_eq!(reply.status, 200, "{reply:?}");
    }
    let key = &world.app.config.channel_key;
    let (_, secrets) = world.app.org.channel_open(key, "hook").await.unwrap();
    assert_eq!(secrets["signing_secret"], OTHER, "it is not forgotten");
}

#[tokio::test]
async fn a_key_is_reactivated_as_it_was_seen_or_not_at_all() {
    let world = World::new().await;
    let caller = caller(&world).await;
    let reactivate = async |tag: &str| {
        let path = "/api/api-keys/ci/reactivate";
        caller.call(Method::POST, path, Some((&header::IF_MATCH, tag)), &Value::Null).await
    };
    let Reply(_, active, _) = caller.get(KEY).await;
    assert_eq!(caller.delete(KEY, &active).await, 204);
    assert_eq!(reactivate(&active).await.0, 412);
    let Reply(_, revoked, key) = caller.get(KEY).await;
    assert_eq!(key["status"], "revoked");
    let Reply(status, again, key) = reactivate(&revoked).await;
    assert_eq!((status, &key["status"]), (200, &json!("active")));
    assert_eq!(caller.get(KEY).await.1, again);
}

#[tokio::test]
async fn a_patch_goes_by_the_tag_as_a_put_does() {
    let world = World::new().await;
    let caller = caller(&world).await;
    let Reply(_, before, _) = caller.get(PG).await;
    let patch = json!({ "max_sessions": 2 });
    let Reply(status, after, answer) = caller.patch(PG, &before, &patch).await;
    assert_eq!((status, &answer["max_sessions"]), (200, &json!(2)), "{answer}");
    assert_eq!(caller.get(PG).await.1, after);
    assert_eq!(caller.patch(PG, &before, &patch).await.0, 412);
    assert_eq!(caller.put(PG, &after, &pg_body("pg")).await.0, 200);
}

#[tokio::test]
async fn one_connection_of_a_plugin_has_the_tag_of_the_plugin() {
    let world = World::new().await;
    let caller = caller(&world).await;
    let review = json!({ "name": "review", "connections": [{ "id": "pg", "config": ["leads"] }] });
    assert_eq!(world.post(&caller.token, "/api/plugins", review).await.status, 201);
    let path = "/api/plugins/review/conn/pg";
    let Reply(_, before, _) = caller.get(path).await;
    assert_eq!(caller.is_new(path, &before).await, 304);
    let body = json!({ "config": ["ops"] });
    let Reply(status, after, answer) = caller.put(path, &before, &body).await;
    assert_eq!((status, &answer["config"]), (200, &json!(["ops"])), "{answer}");
    assert_eq!(caller.put(path, &before, &body).await.0, 412);
    assert_eq!(caller.delete(path, &before).await, 412);
    let replies = join_all((0..8).map(|_| caller.put(path, &after, &body))).await;
    assert_eq!(replies.iter().filter(|reply| reply.0 == 200).count(), 1, "{replies:?}");
    let Reply(_, now, _) = caller.get("/api/plugins/review").await;
    assert_eq!(caller.delete(path, &now).await, 204, "it is of the plugin's version");
    assert_eq!(caller.get(path).await.0, 404);
}

#[tokio::test]
async fn what_is_no_tag_of_ours_matches_nothing() {
    let world = World::new().await;
    let caller = caller(&world).await;
    for Thing { path, put, body, .. } in things() {
        let Reply(_, tag, _) = caller.get(path).await;
        for other in ["", "1", "\"1\"", "\"x-y\"", &format!("W/{tag}")] {
            assert_eq!(caller.put(put, other, &body).await.0, 412, "{put} {other}");
        }
    }
}

#[tokio::test]
async fn a_group_that_is_deleted_is_a_change_of_its_members() {
    let world = World::new().await;
    let caller = caller(&world).await;
    let mut members = Vec::new();
    for thing in things() {
        if [PG, ANN, KEY, ROBOT].contains(&thing.path) {
            members.push((caller.get(thing.path).await.1, thing));
        }
    }
    assert_eq!(world.delete(&caller.token, "/api/users/groups/dba").await.status, 204);
    for (tag, Thing { put, body, .. }) in members {
        assert_eq!(caller.put(put, &tag, &body).await.0, 412, "{put}");
    }
    let groups = world.get(&caller.token, "/api/users/groups").await.body;
    assert!(!groups.to_string().contains("dba"), "{groups}");
}

#[tokio::test]
async fn who_has_an_answer_is_not_sent_it_again() {
    let world = World::new().await;
    let caller = caller(&world).await;
    for Thing { path, put, body, .. } in things() {
        let Reply(_, tag, _) = caller.get(path).await;
        for known in [tag.clone(), format!("\"other\", W/{tag}"), "*".into()] {
            assert_eq!(caller.is_new(path, &known).await, 304, "{path} {known}");
        }
        assert_eq!(caller.is_new(path, "\"other\"").await, 200, "{path}");
        assert_eq!(caller.put(put, &tag, &body).await.0, 200, "{put}");
        assert_eq!(caller.is_new(path, &tag).await, 200, "{path}");
    }
    assert_eq!(caller.is_new("/api/connections/nothing", "*").await, 404);
}
