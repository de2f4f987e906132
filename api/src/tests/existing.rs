//! The matrix of roles once more, with names of things that exist: what an auditor and somebody
//! without access get of what is others', and that all of it stays as it was.

use axum::{
    body::{Body, to_bytes},
    response::Response,
};
use hoop_domain::Role;
use http::{Method, Request, header};
use serde_json::{Value, json};

use super::{
    sessions::open,
    world::{World, pg_body},
};
use crate::router::{Access, ROUTES, Route};

/// Whose everything is.
const ANN: &str = "ann@example.com";

/// Where a role is answered otherwise than it is usually, and why.
struct Exception {
    method: &'static str,
    path: &'static str,
    status: u16,
    why: &'static str,
}

impl Exception {
    fn is(&self, route: &Route) -> bool {
        route.method == self.method && route.path == self.path
    }
}

const fn but(
    method: &'static str,
    path: &'static str,
    status: u16,
    why: &'static str,
) -> Exception {
    Exception { method, path, status, why }
}

/// Auditors see everything. What they may not do with it is not there for them, and no answer
/// hides what they see.
const AUDITOR: &[Exception] = &[
    but("GET", "/api/users/{id}/tokens", 404, "for their owner and administrators"),
    but("GET", "/api/users/{id}/totp", 404, "for their owner and administrators"),
    but("GET", "/api/sessions/{id}/evidence", 409, "nothing of it is signed yet"),
    but("DELETE", "/api/sessions/{id}", 403, "they see it and may not end it"),
    but("POST", "/api/sessions/{id}/kill", 403, "they see it and may not end it"),
    but("PATCH", "/api/sessions/{id}/metadata", 403, "they see it and did not run it"),
    but("PUT", "/api/reviews/{id}", 403, "they see it and are no reviewers"),
    but("PUT", "/api/jits/{id}", 403, "they see it and are no reviewers"),
    but("POST", "/api/connections/{name}/test", 200, "they are told that it needs a review"),
];

/// For who has no access nothing is there, without an exception.
const STRANGER: &[Exception] = &[];

/// A world with one of everything.
struct Settled {
    world: World,
    root: String,
    /// A piece of a route's path, and the same with a name.
    names: Vec<(&'static str, String)>,
}

impl Settled {
    async fn new() -> Self {
        let world = World::new().await;
        world.pg().await;
        let (root, ann) = (world.root().await, world.user(ANN, &["dba"]).await);
        let make = async |token: &str, path: &str, body: Value, field: &str| {
            let made = world.post(token, path, body).await;
            assert!(made.status.is_success(), "{path}: {made:?}");
            made.body[field].as_str().unwrap_or_default().to_owned()
        };
        let mut held = pg_body("held");
        held["reviewers"] = json!(["leads"]);
        make(&root, "/api/connections", held, "id").await;
        let channel = json!({
            "name": "mail", "type": "smtp",
            "settings": { "host": "mail.example.com", "from": "hoop@example.com" },
        });
        make(&root, "/api/notifications/channels", channel, "id").await;
        let subscription = json!({ "name": "all", "channel": "mail", "events": ["session.*"],
            "recipients": [ANN] });
        make(&root, "/api/notifications/subscriptions", subscription, "id").await;
        make(&root, "/api/api-keys", json!({ "name": "ci" }), "id").await;
        make(&root, "/api/serviceaccounts", json!({ "subject": "robot" }), "id").await;
        let plugin =
            json!({ "name": "runbooks", "connections": [{ "name": "held", "config": [] }] });
        make(&root, "/api/plugins", plugin, "id").await;
        let trial = json!({ "recipient": ANN });
        let trial = make(&root, "/api/notifications/channels/mail/test", trial, "delivery").await;
        let credential = make(&ann, "/api/connections/pg/credentials", json!({}), "id").await;
        let review = make(&ann, "/api/connections/held/credentials", json!({}), "review_id").await;
        let session = open(&world, &ann).await.to_string();
        let tokens = world.get(&root, &format!("/api/users/{ANN}/tokens")).await.body;
        let names = vec![
            ("/users/groups/{name}", "/users/groups/dba".to_owned()),
            ("/users/{id}", format!("/users/{ANN}")),
            ("/tokens/{token}", format!("/tokens/{}", tokens[0]["id"].as_str().unwrap())),
            ("/agents/{name}", "/agents/dev".to_owned()),
            ("/connections/{name}", "/connections/held".to_owned()),
            ("/credentials/{id}", format!("/credentials/{credential}")),
            ("/sessions/{id}", format!("/sessions/{session}")),
            ("/channels/{name}", "/channels/mail".to_owned()),
            ("/subscriptions/{name}", "/subscriptions/all".to_owned()),
            ("/deliveries/{id}", format!("/deliveries/{trial}")),
            ("/api-keys/{name}", "/api-keys/ci".to_owned()),
            ("/serviceaccounts/{subject}", "/serviceaccounts/robot".to_owned()),
            ("/reviews/{id}", format!("/reviews/{review}")),
            ("/jits/{id}", format!("/jits/{review}")),
            ("/plugins/{name}", "/plugins/runbooks".to_owned()),
            ("/conn/{id}", "/conn/held".to_owned()),
        ];
        Self { world, root, names }
    }

    /// The route's path with names that exist. A new route needs one here.
    fn path(&self, route: &Route) -> String {
        let path = route.path.to_owned();
        let path = self.names.iter().fold(path, |path, (piece, named)| path.replace(piece, named));
        assert!(!path.contains('{'), "there is no name for {path}");
        path
    }

    async fn call(&self, token: &str, route: &Route) -> Response {
        let request = Request::builder()
            .method(route.method.clone())
            .uri(self.path(route))
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json");
        self.world.answer(request.body(Body::from(body(route).to_string())).unwrap()).await
    }

    /// Calls every route as one of a role who is answered 403 where the table says it, `reads`
    /// or 404 where it does not.
    async fn walk(&self, (role, token): (Role, &str), reads: u16, exceptions: &[Exception]) {
        for exception in exceptions {
            assert!(named().any(|route| exception.is(route)), "there is no {}", exception.path);
        }
        for route in named() {
            let usual = match route.access {
                Access::AtLeast(least) if role < least => 403,
                _ if route.method == Method::GET => reads,
                _ => 404,
            };
            let exception = exceptions.iter().find(|exception| exception.is(route));
            let (expected, why) = exception.map_or((usual, ""), |it| (it.status, it.why));
            let answer = self.call(token, route).await.status().as_u16();
            assert_eq!(answer, expected, "{} {} {why}", route.method, route.path);
            assert!(exception.is_none() || expected != usual, "{} is no exception", route.path);
        }
    }

    /// All that is there, as an administrator sees it.
    async fn everything(&self) -> Vec<(&'static str, String)> {
        let mut all = Vec::new();
        let reads = named().filter(|route| route.method == Method::GET);
        // A tail ends with its session.
        for route in reads.filter(|route| !route.path.ends_with("/tail")) {
            let answer = self.call(&self.root, route).await;
            // Nothing of a recording is signed that nobody has made.
            let expected = if route.path.ends_with("/evidence") { 409 } else { 200 };
            assert_eq!(answer.status().as_u16(), expected, "{}", route.path);
            let bytes = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
            all.push((route.path, String::from_utf8_lossy(&bytes).into_owned()));
        }
        all
    }
}

/// Routes with a name in their path.
fn named() -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().filter(|route| route.path.contains('{') && route.access != Access::Public)
}

/// A request that nothing is wrong with but who sends it.
fn body(route: &Route) -> Value {
    let ends = |end: &str| route.path.ends_with(end);
    match route.method.as_str() {
        "POST" if ends("/tokens") => json!({ "name": "theirs" }),
        "POST" if ends("/totp") => json!({ "password": "battery staple" }),
        "POST" if ends("/confirm") || ends("/disable") => json!({ "code": "000000" }),
        "POST" if ends("/exec") => json!({ "file_name": "a.runbook.sql" }),
        "PATCH" if ends("/metadata") => json!({ "metadata": { "theirs": true } }),
        "PUT" if ends("/password") => json!({ "new_password": "correct horse" }),
        "PUT" if ends("/reviews/{id}") || ends("/jits/{id}") || ends("/review") => {
            json!({ "status": "APPROVED" })
        }
        _ => json!({}),
    }
}

#[tokio::test]
async fn auditors_see_what_is_others_and_change_nothing_of_it() {
    let settled = Settled::new().await;
    let auditor = settled.world.somebody(Role::Auditor).await;
    let before = settled.everything().await;
    settled.walk((Role::Auditor, auditor.as_str()), 200, AUDITOR).await;
    assert_eq!(settled.everything().await, before);
}

#[tokio::test]
async fn for_who_has_no_access_nothing_of_others_is_there() {
    let settled = Settled::new().await;
    let stranger = settled.world.somebody(Role::Standard).await;
    let before = settled.everything().await;
    settled.walk((Role::Standard, stranger.as_str()), 404, STRANGER).await;
    assert_eq!(settled.everything().await, before);
}
