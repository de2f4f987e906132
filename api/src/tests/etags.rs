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

    async fn delete(&self, path: &str, tag: &str) -> u16 {
        let precondition = Some((&header::IF_MATCH, tag));
        self.call(Method::DELETE, path, precondition, &Value::Null).await.0
    }

    async fn is_new(&self, path: &str, tag: &str) -> u16 {
        let precondition = Some((&header::IF_NONE_MATCH, tag));
        self.call(Method::GET, path, precondition, &Value::Null).await.0
    }
}

/// An administrator in a world with the connection `pg` and the user Ann.
async fn caller(world: &World) -> Caller<'_> {
    world.pg().await;
    world.user("ann@example.com", &["dba", "dev"]).await;
    Caller { world, token: world.root().await }
}

const PG: &str = "/api/connections/pg";
const ANN: &str = "/api/users/ann@example.com";

/// The things with tags, and a body that changes each.
fn things() -> [(&'static str, Value); 2] {
    [(PG, pg_body("pg")), (ANN, json!({ "name": "Ann", "groups": ["dba"] }))]
}

#[tokio::test]
async fn of_two_who_change_the_same_version_the_second_is_told() {
    let world = World::new().await;
    let caller = caller(&world).await;
    for (path, body) in things() {
        let Reply(status, before, _) = caller.get(path).await;
        assert_eq!(status, 200, "{path}");
        assert_eq!(caller.put(path, &before, &body).await.0, 200, "{path}");
        let Reply(status, _, problem) = caller.put(path, &before, &body).await;
        assert_eq!(status, 412, "{path}: {problem}");
        let message = problem["message"].as_str().unwrap();
        assert!(message.contains("was changed meanwhile; read it again"), "{message}");
        assert_eq!(caller.delete(path, &before).await, 412, "{path}");
        let Reply(_, after, _) = caller.get(path).await;
        assert_ne!(before, after, "{path}");
        // Without a tag, or with any, one overwrites as ever.
        assert_eq!(world.put(&caller.token, path, body.clone()).await.status, 200, "{path}");
        assert_eq!(caller.put(path, "*", &body).await.0, 200, "{path}");
        let Reply(_, last, _) = caller.get(path).await;
        assert_eq!(caller.delete(path, &format!("{after}, {last}")).await, 204, "{path}");
        assert_eq!(caller.put(path, &last, &body).await.0, 404, "{path}");
    }
}

#[tokio::test]
async fn of_many_who_change_the_same_version_at_the_same_time_one_does() {
    let world = World::new().await;
    let caller = caller(&world).await;
    for (path, body) in things() {
        let Reply(_, tag, _) = caller.get(path).await;
        let replies = join_all((0..8).map(|_| caller.put(path, &tag, &body))).await;
        let done = replies.iter().filter(|reply| reply.0 == 200).count();
        let told = replies.iter().filter(|reply| reply.0 == 412).count();
        assert_eq!((done, told), (1, 7), "{path}: {replies:?}");
    }
}

#[tokio::test]
async fn what_is_no_tag_of_ours_matches_nothing() {
    let world = World::new().await;
    let caller = caller(&world).await;
    for (path, body) in things() {
        let Reply(_, tag, _) = caller.get(path).await;
        for other in ["", "1", "\"1\"", "\"x-y\"", &format!("W/{tag}")] {
            assert_eq!(caller.put(path, other, &body).await.0, 412, "{path} {other}");
        }
    }
}

#[tokio::test]
async fn a_group_that_is_deleted_is_a_change_of_its_members() {
    let world = World::new().await;
    let caller = caller(&world).await;
    let tags = [caller.get(PG).await.1, caller.get(ANN).await.1];
    assert_eq!(world.delete(&caller.token, "/api/users/groups/dba").await.status, 204);
    for ((path, body), tag) in things().into_iter().zip(tags) {
        assert_eq!(caller.put(path, &tag, &body).await.0, 412, "{path}");
    }
    let groups = world.get(&caller.token, "/api/users/groups").await.body;
    assert!(!groups.to_string().contains("dba"), "{groups}");
}

#[tokio::test]
async fn who_has_an_answer_is_not_sent_it_again() {
    let world = World::new().await;
    let caller = caller(&world).await;
    for (path, body) in things() {
        let Reply(_, tag, _) = caller.get(path).await;
        for known in [tag.clone(), format!("\"other\", W/{tag}"), "*".into()] {
            assert_eq!(caller.is_new(path, &known).await, 304, "{path} {known}");
        }
        assert_eq!(caller.is_new(path, "\"other\"").await, 200, "{path}");
        assert_eq!(caller.put(path, &tag, &body).await.0, 200, "{path}");
        assert_eq!(caller.is_new(path, &tag).await, 200, "{path}");
    }
    assert_eq!(caller.is_new("/api/connections/nothing", "*").await, 404);
}
