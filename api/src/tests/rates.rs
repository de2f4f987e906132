//! How often somebody may ask, and that nobody is told to wait because of somebody else.

use std::net::SocketAddr;

use axum::{
    body::{Body, to_bytes},
    extract::ConnectInfo,
    response::Response,
};
use http::{Method, Request, header};
use serde_json::{Value, json};

use super::world::World;

const HERE: &str = "192.0.2.9:4711";
const THERE: &str = "192.0.2.10:4711";

/// More than any limit of these tests, and few enough to be asked.
const MANY: usize = 200;

/// Somebody who asks.
#[derive(Clone, Copy)]
struct Asker<'a> {
    peer: &'a str,
    token: &'a str,
    forwarded: &'a str,
}

const STRANGER: Asker<'_> = Asker { peer: HERE, token: "", forwarded: "" };

impl Asker<'_> {
    async fn ask(self, world: &World, method: &Method, path: &str, body: &Value) -> Response {
        let mut request = Request::builder()
            .method(method.clone())
            .uri(path)
            .extension(ConnectInfo(self.peer.parse::<SocketAddr>().unwrap()));
        if !self.token.is_empty() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", self.token));
        }
        if !self.forwarded.is_empty() {
            request = request.header("x-forwarded-for", self.forwarded);
        }
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let request = request.header(header::CONTENT_TYPE, "application/json");
        world.answer(request.body(Body::from(text)).unwrap()).await
    }

    /// The status of one question.
    async fn get(self, world: &World, path: &str) -> u16 {
        self.ask(world, &Method::GET, path, &Value::Null).await.status().as_u16()
    }

    /// How many questions are answered before one is not, which says how long to wait.
    async fn until_refused(
        self,
        world: &World,
        method: &Method,
        path: &str,
        body: &Value,
    ) -> usize {
        for answered in 0..MANY {
            let answer = self.ask(world, method, path, body).await;
            if answer.status() == 429 {
                let wait = answer.headers()[header::RETRY_AFTER].to_str().unwrap().to_owned();
                assert!(0 < wait.parse::<u64>().unwrap(), "{wait}");
                assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/problem+json");
                let bytes = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
                let problem: Value = serde_json::from_slice(&bytes).unwrap();
                let said = problem["message"].as_str().unwrap();
                assert_eq!(said, format!("too many requests; try again in {wait} seconds"));
                return answered;
            }
        }
        panic!("{path} was answered {MANY} times");
    }
}

#[tokio::test]
async fn a_stranger_who_asks_too_often_waits_and_nobody_else_does() {
    let world = World::with(&[("API_RATE_STRANGER", "5")]).await;
    let (ann, path) = (world.user("ann@example.com", &[]).await, "/api/publicserverinfo");
    let answered = STRANGER.until_refused(&world, &Method::GET, path, &Value::Null).await;
    assert!(5 <= answered, "{answered}");
    // Whatever the stranger claims, as long as no trusted proxy says it.
    let liar = Asker { forwarded: "198.51.100.1", ..STRANGER };
    assert_eq!(liar.get(&world, path).await, 429);
    assert_eq!(Asker { peer: THERE, ..STRANGER }.get(&world, path).await, 200);
    assert_eq!(Asker { token: &ann, ..STRANGER }.get(&world, "/api/userinfo").await, 200);
    assert_eq!(STRANGER.get(&world, "/api/healthz").await, 200, "a load balancer asks on");
}

#[tokio::test]
async fn a_token_that_is_none_is_a_strangers() {
    let world = World::with(&[("API_RATE_STRANGER", "5")]).await;
    let guess = Asker { token: "hpt_made-up", ..STRANGER };
    let path = "/api/connections";
    let answered = guess.until_refused(&world, &Method::POST, path, &json!({})).await;
    let written = world.sql("select count(*) from audit_log where status = 401").await;
    assert_eq!(written, answered.to_string(), "what was refused with 429 is in no log");
}

#[tokio::test]
async fn strangers_of_many_addresses_are_refused_and_the_log_is_not_filled() {
    let world = World::new().await;
    let lines = async || world.sql("select count(*) from audit_log").await;
    // What time gives back meanwhile may be written, so this may take more than one look.
    for _ in 0..100 {
        let before = lines().await;
        while world.app.limits.written().is_ok() {}
        assert_eq!(world.post("", "/api/connections", json!({})).await.status, 401);
        if lines().await == before {
            return;
        }
    }
    panic!("every refusal was written down");
}

#[tokio::test]
async fn a_load_balancer_is_never_told_to_wait() {
    let world = World::with(&[("API_RATE_ADDRESS", "5"), ("API_RATE_STRANGER", "5")]).await;
    STRANGER.until_refused(&world, &Method::GET, "/api/publicserverinfo", &Value::Null).await;
    for _ in 0..50 {
        assert_eq!(STRANGER.get(&world, "/api/healthz").await, 200);
    }
}

#[tokio::test]
async fn begun_sign_ins_are_few_by_address() {
    let world = World::with(&[("API_RATE_SIGN_IN", "3")]).await;
    let (path, body) = ("/api/login/device/begin", json!({ "challenge": "A".repeat(43) }));
    let answered = STRANGER.until_refused(&world, &Method::POST, path, &body).await;
    assert!(3 <= answered, "{answered}");
    let kept = world.sql("select count(*) from handovers").await;
    assert_eq!(kept, answered.to_string());
    let other = Asker { peer: THERE, ..STRANGER };
    assert_eq!(other.ask(&world, &Method::POST, path, &body).await.status(), 200);
    // It is one count for both ways to begin, and for nothing else.
    STRANGER.until_refused(&world, &Method::GET, "/api/login", &Value::Null).await;
    assert_eq!(STRANGER.get(&world, "/api/publicserverinfo").await, 200);
}

#[tokio::test]
async fn an_identity_is_counted_wherever_it_is() {
    let world = World::with(&[("API_RATE_IDENTITY", "5")]).await;
    let (ann, ben) =
        (world.user("ann@example.com", &[]).await, world.user("ben@example.com", &[]).await);
    let (another, path) = (world.token_of("ann@example.com").await, "/api/userinfo");
    let here = Asker { token: &ann, ..STRANGER };
    here.until_refused(&world, &Method::GET, path, &Value::Null).await;
    // A second token is no second allowance.
    let there = Asker { peer: THERE, token: &another, ..STRANGER };
    assert_eq!(there.get(&world, path).await, 429);
    assert_eq!(Asker { token: &ben, ..STRANGER }.get(&world, path).await, 200);
}

#[tokio::test]
async fn an_address_is_counted_whoever_is_behind_it() {
    let world = World::with(&[("API_RATE_ADDRESS", "5"), ("TRUSTED_PROXIES", "192.0.2.9")]).await;
    let (ann, path) = (world.user("ann@example.com", &[]).await, "/api/userinfo");
    let behind = Asker { token: &ann, forwarded: "198.51.100.1", ..STRANGER };
    behind.until_refused(&world, &Method::GET, path, &Value::Null).await;
    let neighbour = Asker { forwarded: "198.51.100.2", ..behind };
    assert_eq!(neighbour.get(&world, path).await, 200, "the proxy is not who asks");
}

#[tokio::test]
async fn limits_can_be_switched_off() {
    let off = ["API_RATE_STRANGER", "API_RATE_ADDRESS", "API_RATE_SIGN_IN", "API_RATE_IDENTITY"];
    let world = World::with(&off.map(|name| (name, "off"))).await;
    for _ in 0..MANY {
        assert_eq!(STRANGER.get(&world, "/api/login").await, 200);
    }
}
