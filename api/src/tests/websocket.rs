//! A tail over a WebSocket, on a real socket: the same as its events, and for whom.

use std::net::SocketAddr;

use axum::body::Body;
use chrono::TimeDelta;
use futures_util::{SinkExt, StreamExt};
use hoop_domain::{Direction, EndReason, SessionId};
use hoop_proto::v1::{self, packet};
use hoop_runtime::Drain;
use hoop_store::token::{Kind, NewToken};
use http::{Request, header};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest},
};

use super::{
    recordings::Recorder,
    sessions::open,
    tail::{data, end, publish},
    world::World,
};
use crate::{auth::token, listen, router};

const IN: Direction = Direction::In;
const OUT: Direction = Direction::Out;
const ANN: &str = "ann@example.com";

/// Where the API of `world` answers on a socket.
async fn served(world: &World) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (_, drain) = Drain::new();
    tokio::spawn(listen::serve(listener, router::router(world.app.clone()), drain));
    address
}

struct Socket(WebSocketStream<TcpStream>);

#[derive(Debug, PartialEq)]
enum Heard {
    Event(Value),
    Closed(u16, String),
}

impl Socket {
    /// The tail of a session for the one with this token.
    async fn open(world: &World, token: &str, session: SessionId, query: &str) -> Self {
        let bearer = [("authorization", format!("Bearer {token}"))];
        let path = format!("/api/sessions/{session}/tail{query}");
        Self::asked(served(world).await, &path, &bearer).await.unwrap_or_else(|status| {
            panic!("{path} was answered {status}");
        })
    }

    /// The status, where there is none.
    async fn asked(
        address: SocketAddr,
        path: &str,
        headers: &[(&'static str, String)],
    ) -> Result<Self, u16> {
        let mut request = format!("ws://{address}{path}").into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let stream = TcpStream::connect(address).await.unwrap();
        match client_async(request, stream).await {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    async fn next(&mut self) -> Heard {
        loop {
            match self.0.next().await.unwrap().unwrap() {
                Message::Text(text) => {
                    return Heard::Event(serde_json::from_str(text.as_str()).unwrap());
                }
                Message::Close(Some(frame)) => {
                    return Heard::Closed(frame.code.into(), frame.reason.as_str().to_owned());
                }
                Message::Ping(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    async fn event(&mut self) -> Value {
        match self.next().await {
            Heard::Event(event) => event,
            closed @ Heard::Closed(..) => panic!("{closed:?}"),
        }
    }

    /// The next `count` packets, as `in1` and the like.
    async fn take(&mut self, count: usize) -> Vec<String> {
        let mut seen = Vec::new();
        while seen.len() < count {
            let event = self.event().await;
            assert_eq!(event["event"], "packet");
            let packet = &event["data"];
            seen.push(format!("{}{}", packet["direction"].as_str().unwrap(), packet["seq"]));
        }
        seen
    }
}

#[tokio::test]
async fn a_websocket_tells_what_events_tell_and_says_why_it_ends() {
    let world = World::new().await;
    world.pg().await;
    let ann = world.user(ANN, &["dba"]).await;
    let session = open(&world, &ann).await;
    let mut recorder = Recorder::new(&world, session);
    recorder.store(&[(IN, data("a")), (OUT, data("b"))], None).await;
    publish(&world, &mut recorder, &[(OUT, data("c"))]).await;

    let mut socket = Socket::open(&world, &ann, session, "").await;
    assert_eq!(socket.take(3).await, ["in1", "out1", "out2"]);
    publish(&world, &mut recorder, &[(IN, data("d"))]).await;
    let event = socket.event().await;
    assert_eq!((&event["id"], &event["data"]["seq"]), (&json!("i2o2"), &json!(2)));

    let mut later = Socket::open(&world, &ann, session, "?cursor=i1o1").await;
    assert_eq!(later.take(2).await, ["out2", "in2"]);
    publish(&world, &mut recorder, &[(OUT, end(EndReason::TargetClosed))]).await;
    publish(&world, &mut recorder, &[(IN, end(EndReason::ClientClosed))]).await;
    for socket in [&mut socket, &mut later] {
        assert_eq!(socket.take(2).await, ["out3", "in3"]);
        let event = socket.event().await;
        assert_eq!(
            (&event["event"], &event["data"]["reason"]),
            (&json!("end"), &json!("client_closed"))
        );
        assert_eq!(socket.next().await, Heard::Closed(1000, "client_closed".into()));
    }

    let log = world.get(&world.root().await, "/api/audit/logs").await.body;
    let lines = log["data"].as_array().unwrap().iter();
    let path = format!("/api/sessions/{session}/tail");
    let lines: Vec<_> = lines.filter(|line| line["http_path"] == path.as_str()).collect();
    assert_eq!(lines.len(), 2, "each is a line of the audit log: {log}");
    assert!(lines.iter().all(|line| line["outcome"] == true), "{lines:?}");
}

#[tokio::test]
async fn an_end_in_words_of_a_clients_own_is_told_as_a_violation_of_the_protocol() {
    let world = World::new().await;
    world.pg().await;
    let ann = world.user(ANN, &["dba"]).await;
    let session = open(&world, &ann).await;
    let mut recorder = Recorder::new(&world, session);
    let own = v1::SessionEnd { code: "x".repeat(1000), message: "because".into() };
    publish(&world, &mut recorder, &[(OUT, end(EndReason::TargetClosed))]).await;
    publish(&world, &mut recorder, &[(IN, packet::Body::SessionEnd(own))]).await;
    let mut socket = Socket::open(&world, &ann, session, "").await;
    assert_eq!(socket.take(2).await.len(), 2);
    let event = socket.event().await;
    let data = json!({ "reason": "protocol_violation", "message": "because" });
    assert_eq!((&event["event"], &event["data"]), (&json!("end"), &data));
    assert_eq!(socket.next().await, Heard::Closed(1000, "protocol_violation".into()));
}

#[tokio::test]
async fn who_is_deactivated_is_told_so_and_the_socket_is_closed() {
    let world = World::new().await;
    world.pg().await;
    let ann = world.user(ANN, &["dba"]).await;
    let session = open(&world, &ann).await;
    let mut recorder = Recorder::new(&world, session);
    publish(&world, &mut recorder, &[(IN, data("a"))]).await;
    let mut socket = Socket::open(&world, &ann, session, "").await;
    assert_eq!(socket.take(1).await, ["in1"]);
    let body = json!({ "groups": ["dba"], "status": "inactive" });
    let path = format!("/api/users/{ANN}");
    assert_eq!(world.put(&world.root().await, &path, body).await.status, 200);
    let event = socket.event().await;
    let message = event["data"]["message"].as_str().unwrap().to_owned();
    assert_eq!(event["event"], "error");
    assert!(message.starts_with("you may not follow this session any more"), "{message}");
    assert_eq!(socket.next().await, Heard::Closed(1008, message));
}

#[tokio::test]
async fn who_sends_messages_is_closed_and_others_go_on() {
    let world = World::new().await;
    world.pg().await;
    let ann = world.user(ANN, &["dba"]).await;
    let session = open(&world, &ann).await;
    let mut recorder = Recorder::new(&world, session);
    publish(&world, &mut recorder, &[(IN, data("a"))]).await;
    let mut quiet = Socket::open(&world, &ann, session, "").await;

    let mut talker = Socket::open(&world, &ann, session, "").await;
    assert_eq!(talker.take(1).await, ["in1"]);
    talker.0.send(Message::text("hello")).await.unwrap();
    assert_eq!(talker.next().await, Heard::Closed(1008, "a tail takes no messages".into()));

    let mut shouter = Socket::open(&world, &ann, session, "").await;
    // It may be cut off while it sends, so neither has to go well.
    let _ = shouter.0.send(Message::text("x".repeat(1024 * 1024))).await;
    while let Some(Ok(message)) = shouter.0.next().await {
        assert!(!matches!(message, Message::Pong(_)), "it goes on");
    }

    assert_eq!(quiet.take(1).await, ["in1"]);
    publish(&world, &mut recorder, &[(OUT, data("b"))]).await;
    assert_eq!(quiet.take(1).await, ["out1"]);
}

#[tokio::test]
async fn a_cookie_opens_a_websocket_for_pages_of_the_gateway_only() {
    let world = World::new().await;
    world.pg().await;
    let ann = world.user(ANN, &["dba"]).await;
    let session = open(&world, &ann).await;
    let text = token::generate(token::Kind::Browser).unwrap();
    let new = NewToken {
        user: world.app.org.user_fetch(ANN).await.unwrap().id,
        kind: Kind::Browser,
        name: "test",
        digest: token::digest(&text),
        expires_at: Some(world.app.now() + TimeDelta::hours(1)),
        parent: None,
        password: None,
    };
    world.app.org.token_keep(&new).await.unwrap();
    let (address, path) = (served(&world).await, format!("/api/sessions/{session}/tail"));
    let from = async |mut headers: Vec<(&'static str, String)>| {
        headers.push(("cookie", format!("hoop_session={text}")));
        Socket::asked(address, &path, &headers).await.err()
    };
    let ours = "http://gateway.example.com:8009".to_owned();
    assert_eq!(from(vec![("origin", ours.clone())]).await, None);
    // What browsers say of a WebSocket's site is not what its page is.
    assert_eq!(from(vec![("origin", ours), ("sec-fetch-site", "cross-site".into())]).await, None);
    for origin in ["http://evil.example.com", "null", "http://gateway.example.com"] {
        assert_eq!(from(vec![("origin", origin.into())]).await, Some(403), "{origin}");
    }
    assert_eq!(from(vec![("sec-fetch-site", "same-origin".into())]).await, Some(403));
    assert_eq!(from(vec![]).await, Some(403));
}

#[tokio::test]
async fn in_the_dev_profile_a_page_of_another_site_opens_no_websocket() {
    let world = World::with(&[("PROFILE", "dev"), ("API_URL", "")]).await;
    let asked = async |origin: Option<&str>| {
        let request = Request::get("/api/userinfo")
            .header(header::HOST, "127.0.0.1:8009")
            .header(header::UPGRADE, "WebSocket");
        let request = match origin {
            Some(origin) => request.header(header::ORIGIN, origin),
            None => request,
        };
        world.answer(request.body(Body::empty()).unwrap()).await.status().as_u16()
    };
    assert_eq!(asked(Some("https://evil.example.com")).await, 403);
    assert_eq!(asked(Some("http://127.0.0.1:8009")).await, 200);
    assert_eq!(asked(None).await, 200, "a program has no origin");
}

#[tokio::test]
async fn what_asks_for_a_websocket_and_is_no_handshake_is_told_what_one_is() {
    let world = World::new().await;
    world.pg().await;
    let ann = world.user(ANN, &["dba"]).await;
    let session = open(&world, &ann).await;
    let request = Request::get(format!("/api/sessions/{session}/tail"))
        .header(header::AUTHORIZATION, format!("Bearer {ann}"))
        .header(header::CONNECTION, "upgrade")
        .header(header::UPGRADE, "websocket");
    let answer = world.answer(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status(), 400);
}
