//! Evidence and the chain of manifests over REST.

use hoop_recording::{evidence, evidence::Verdict};
use serde_json::json;

use hoop_domain::{Direction, EndReason};
use hoop_proto::v1::{self, packet::Body};
use hoop_store::recording::End;

use super::{
    recordings::{Recorder, recorded},
    sessions::open,
    world::World,
};

fn verified(bytes: &[u8]) -> Verdict {
    evidence::verify(bytes, &[]).unwrap()
}

#[tokio::test]
async fn evidence_is_the_whole_recording_and_verifies() {
    let world = World::new().await;
    world.pg().await;
    let ann = world.user("ann@example.com", &["dba"]).await;
    let (session, ..) = recorded(&world, &ann).await;
    let answer = world.get(&ann, &format!("/api/sessions/{session}/evidence")).await;
    assert_eq!((answer.status.as_u16(), answer.kind.as_str()), (200, "application/x-tar"));
    let checked = verified(&answer.bytes).outcome.unwrap();
    assert_eq!((checked.session, checked.segments), (session, 2));
    assert_eq!((checked.packets.inward, checked.packets.outward), (3, 2));
    assert_eq!(checked.findings, []);
}

#[tokio::test]
async fn what_is_not_finished_is_not_signed_and_what_is_not_ones_own_is_not_there() {
    let world = World::new().await;
    world.pg().await;
    let ann = world.user("ann@example.com", &["dba"]).await;
    let bob = world.user("bob@example.com", &["dba"]).await;
    let session = open(&world, &ann).await;
    let path = format!("/api/sessions/{session}/evidence");
    let early = world.get(&ann, &path).await;
    assert_eq!(early.status, 409, "{early:?}");
    assert_eq!(world.get(&bob, &path).await.status, 404);
}

#[tokio::test]
async fn the_chain_comes_in_pages_with_its_end() {
    let world = World::new().await;
    world.pg().await;
    let ann = world.user("ann@example.com", &["dba"]).await;
    let (first, ..) = recorded(&world, &ann).await;
    let (second, ..) = recorded(&world, &ann).await;
    let root = world.root().await;
    let page = world.get(&root, "/api/audit/manifests?limit=1").await.body;
    assert_eq!(page["data"][0]["session"], first.to_string());
    assert_eq!((&page["has_next_page"], &page["end"]["position"]), (&json!(true), &json!(2)));
    let page = world.get(&root, "/api/audit/manifests?after=1").await.body;
    assert_eq!(page["data"][0]["session"], second.to_string());
    assert_eq!(page["has_next_page"], false);
    let later = "/api/audit/manifests?since=2999-01-01T00:00:00Z";
    assert_eq!(world.get(&root, later).await.body["data"], json!([]));
    assert_eq!(world.get(&root, "/api/audit/manifests?limit=0").await.status, 422);
}

#[tokio::test]
async fn an_open_session_is_evidence_as_far_as_it_is_signed() {
    let world = World::new().await;
    world.pg().await;
    let ann = world.user("ann@example.com", &["dba"]).await;
    let root = world.root().await;
    let session = open(&world, &ann).await;
    let mut recorder = Recorder::new(&world, session);
    let data = |text: &'static str| Body::Data(bytes::Bytes::from_static(text.as_bytes()));
    for text in ["select 1", "select 2"] {
        recorder.store(&[(Direction::In, data(text)), (Direction::Out, data(text))], None).await;
    }
    let listed = world.get(&root, "/api/audit/checkpoints").await.body;
    assert_eq!(listed["data"][0]["session"], session.to_string());
    let text = listed["data"][0]["signed"]["checkpoint"].as_str().unwrap();
    assert!(text.starts_with("hoop recording checkpoint v1\n"), "{text}");
    let path = format!("/api/sessions/{session}/evidence");
    let checked = verified(&world.get(&ann, &path).await.bytes).outcome.unwrap();
    assert_eq!((checked.findings, checked.open, checked.segments), (vec![], true, 2));
    assert_eq!(world.get(&ann, "/api/audit/checkpoints").await.status, 403);

    let end = Body::SessionEnd(v1::SessionEnd::of(EndReason::ClientClosed));
    let done = Some(End::of(EndReason::ClientClosed));
    recorder.store(&[(Direction::In, end)], done).await;
    assert_eq!(world.get(&root, "/api/audit/checkpoints").await.body["data"], json!([]));
    let checked = verified(&world.get(&ann, &path).await.bytes).outcome.unwrap();
    assert_eq!((checked.findings, checked.open, checked.segments), (vec![], false, 3));
}
