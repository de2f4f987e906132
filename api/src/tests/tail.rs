//! A tail over what is stored, what is in the stream, and what comes.

use bytes::Bytes;
use futures_util::StreamExt;
use hoop_bus::Subject;
use hoop_domain::{Direction, EndReason};
use hoop_proto::v1::{self, packet::Body};
use hoop_store::recording::End;
use serde_json::Value;

use super::{recordings::Recorder, sessions::open, world::World};

const IN: Direction = Direction::In;
const OUT: Direction = Direction::Out;

pub(super) fn data(text: &str) -> Body {
    Body::Data(Bytes::copy_from_slice(text.as_bytes()))
}

pub(super) fn end(reason: EndReason) -> Body {
    Body::SessionEnd(v1::SessionEnd::of(reason))
}

/// Publishes packets that nobody stores yet.
pub(super) async fn publish(
    world: &World,
    recorder: &mut Recorder<'_>,
    packets: &[(Direction, Body)],
) {
    for (direction, body) in packets {
        let encoded = recorder.packet(*direction, body.clone());
        let subject = Subject::Audit { session: recorder.session, direction: *direction };
        let sent = world.app.bus.jetstream().publish(subject.to_string(), encoded).await.unwrap();
        sent.await.unwrap();
    }
}

/// The events of a tail as it comes, each as its `id` and `data`.
struct Events(axum::body::BodyDataStream, String);

impl Events {
    async fn open(world: &World, token: &str, path: &str, after: &str) -> Self {
        let body = world.stream(token, path, after).await;
        Self(body.into_data_stream(), String::new())
    }

    async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((event, rest)) = self.1.split_once("\n\n") {
                let field = |name: &str| {
                    event.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default()
                };
                let (id, data) = (field("id: ").to_owned(), field("data: ").to_owned());
                self.1 = rest.to_owned();
                if !data.is_empty() {
                    return Some((id, serde_json::from_str(&data).unwrap()));
                }
                continue;
            }
            let piece = self.0.next().await?.unwrap();
            self.1.push_str(std::str::from_utf8(&piece).unwrap());
        }
    }

    /// The next `count` packets, as `in1` and the like.
    async fn take(&mut self, count: usize) -> Vec<String> {
        let mut seen = Vec::new();
        while seen.len() < count {
            let (_, packet) = self.next().await.unwrap();
            seen.push(format!("{}{}", packet["direction"].as_str().unwrap(), packet["seq"]));
        }
        seen
    }
}

#[tokio::test]
async fn a_tail_tells_what_is_stored_what_waits_and_what_comes_in_one_order() {
    let world = World::new().await;
    world.pg().await;
    let ann = world.user("ann@example.com", &["dba"]).await;
    let session = open(&world, &ann).await;
    let path = format!("/api/sessions/{session}/tail");
    let mut recorder = Recorder::new(&world, session);
    recorder.store(&[(IN, data("a")), (OUT, data("b")), (OUT, data("c"))], None).await;
    publish(&world, &mut recorder, &[(OUT, data("d")), (IN, data("e"))]).await;

    let mut tail = Events::open(&world, &ann, &path, "").await;
    assert_eq!(tail.take(5).await, ["in1", "out1", "out2", "out3", "in2"]);
    publish(&world, &mut recorder, &[(IN, data("f")), (OUT, data("g"))]).await;
    assert_eq!(tail.take(1).await, ["in3"]);
    let (id, packet) = tail.next().await.unwrap();
    assert_eq!((packet["seq"].as_u64(), id.as_str()), (Some(4), "i3o4"));

    let mut later = Events::open(&world, &ann, &path, "i2o2").await;
    assert_eq!(later.take(3).await, ["out3", "in3", "out4"]);
    publish(&world, &mut recorder, &[(OUT, end(EndReason::TargetClosed))]).await;
    publish(&world, &mut recorder, &[(IN, end(EndReason::ClientClosed))]).await;
    for tail in [&mut tail, &mut later] {
        assert_eq!(tail.take(2).await, ["out5", "in4"]);
        let (_, end) = tail.next().await.unwrap();
        assert_eq!(end["reason"], "client_closed");
        assert!(tail.next().await.is_none());
    }
    let page = world.get(&ann, &format!("/api/sessions/{session}/packets")).await.body;
    assert_eq!(page["data"].as_array().unwrap().len(), 9, "the page has what is not stored, too");
}

#[tokio::test]
async fn a_tail_of_a_recording_that_was_finished_by_its_row_ends_with_its_reason() {
    let world = World::new().await;
    world.pg().await;
    let ann = world.user("ann@example.com", &["dba"]).await;
    let session = open(&world, &ann).await;
    let mut recorder = Recorder::new(&world, session);
    let mut tail = Events::open(&world, &ann, &format!("/api/sessions/{session}/tail"), "").await;
    recorder.store(&[(IN, data("a"))], Some(End::of(EndReason::EdgeLost))).await;
    assert_eq!(tail.take(1).await, ["in1"]);
    let (_, end) = tail.next().await.unwrap();
    assert_eq!(end["reason"], "edge_lost");
    assert!(tail.next().await.is_none());
}

#[tokio::test]
async fn what_is_no_position_is_refused_in_words() {
    let world = World::new().await;
    world.pg().await;
    let ann = world.user("ann@example.com", &["dba"]).await;
    let session = open(&world, &ann).await;
    let path = format!("/api/sessions/{session}/tail");
    let answer = world.asked(&ann, &path, "yesterday").await;
    assert_eq!(answer.status(), 422);
    let answer = world.get(&ann, &format!("{path}?cursor=yesterday")).await;
    assert_eq!((answer.status.as_u16(), answer.body["field"].as_str()), (422, Some("cursor")));
    let bob = world.user("bob@example.com", &["dba"]).await;
    assert_eq!(world.asked(&bob, &path, "").await.status(), 404);
}

#[tokio::test]
async fn one_user_has_a_share_of_the_tails_and_gives_it_back() {
    let world = World::new().await;
    world.pg().await;
    let ann = world.user("ann@example.com", &["dba"]).await;
    let eve = world.user("eve@example.com", &["auditor"]).await;
    let path = format!("/api/sessions/{}/tail", open(&world, &ann).await);
    let mut tails = Vec::new();
    for _ in 0..16 {
        tails.push(world.stream(&ann, &path, "").await);
    }
    assert_eq!(world.asked(&ann, &path, "").await.status(), 429);
    assert_eq!(world.asked(&eve, &path, "").await.status(), 200, "it is nobody else's share");
    tails.pop();
    hoop_testkit::eventually("a place to be free", async || {
        let status = world.asked(&ann, &path, "").await.status();
        anyhow::ensure!(status == 200, "{status}");
        Ok(())
    })
    .await
    .unwrap();
}

/// Somebody follows a session of Ann's, and `take_away` takes away what lets them.
async fn check_cut_off(who: &str, take_away: impl AsyncFnOnce(&World, &str)) {
    let world = World::new().await;
    world.pg().await;
    let ann = world.user("ann@example.com", &["dba"]).await;
    let eve = world.user("eve@example.com", &["auditor"]).await;
    let session = open(&world, &ann).await;
    let token = if who == "ann" { &ann } else { &eve };
    let path = format!("/api/sessions/{session}/tail");
    let mut recorder = Recorder::new(&world, session);
    let mut tail = Events::open(&world, token, &path, "").await;
    publish(&world, &mut recorder, &[(IN, data("a"))]).await;
    assert_eq!(tail.take(1).await, ["in1"]);
    take_away(&world, &format!("/api/users/{who}@example.com")).await;
    let (_, last) = tail.next().await.unwrap();
    let message = last["message"].as_str().unwrap_or_else(|| panic!("{last}"));
    assert!(message.starts_with("you may not follow this session any more"), "{message}");
    assert!(tail.next().await.is_none(), "nothing comes after it");
}

#[tokio::test]
async fn who_is_deactivated_follows_no_more() {
    check_cut_off("ann", async |world, user| {
        let body = serde_json::json!({ "groups": ["dba"], "status": "inactive" });
        assert_eq!(world.put(&world.root().await, user, body).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn who_is_an_auditor_no_more_follows_no_more() {
    check_cut_off("eve", async |world, user| {
        let body = serde_json::json!({ "groups": ["dba"] });
        assert_eq!(world.put(&world.root().await, user, body).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn whose_token_is_revoked_follows_no_more() {
    check_cut_off("eve", async |world, user| {
        let root = world.root().await;
        let tokens = world.get(&root, &format!("{user}/tokens")).await.body;
        for token in tokens.as_array().unwrap() {
            let path = format!("{user}/tokens/{}", token["id"].as_str().unwrap());
            assert_eq!(world.delete(&root, &path).await.status, 204);
        }
    })
    .await;
}
