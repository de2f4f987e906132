//! What edges say of sessions whose recording can't say how they ended.

use std::time::Duration;

use hoop_bus::{Bus, ControlRequest, Subject};
use hoop_domain::{EndReason, SessionId, session::SessionState};
use hoop_proto::v1::{self, authorize_reply::Outcome, authorize_request::Proof};
use serde_json::json;

use super::{
    authorize::{authorize, request},
    sessions::open,
    world::{World, pg_body},
};

async fn report(world: &World, ended: Vec<v1::SessionEnded>) {
    send(world, v1::EdgeReport { ended, ..v1::EdgeReport::default() }).await;
}

async fn send(world: &World, report: v1::EdgeReport) {
    let edge = Bus::connect(&world.nats.url(), "edge").await.unwrap();
    let report = v1::EdgeReport { edge: "edge-1".into(), ..report };
    let subject = Subject::Control(ControlRequest::Report);
    let _: v1::EdgeReportReply =
        edge.request(&subject, &report, Duration::from_secs(10)).await.unwrap();
}

fn ended(session: SessionId, code: &str, message: &str) -> v1::SessionEnded {
    let session = session.as_bytes().to_vec().into();
    v1::SessionEnded { session, code: code.into(), message: message.into() }
}

/// Why the session ended and what its user was told.
async fn end(world: &World, session: SessionId) -> (EndReason, String) {
    let session = world.app.org.session_fetch(session, None).await.unwrap();
    match session.state {
        SessionState::Closed { reason, .. } => (reason, session.end_message),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_session_is_closed_with_the_reason_that_its_edge_knows() {
    let world = World::new().await;
    world.pg().await;
    let root = world.root().await;
    let (first, second) = (open(&world, &root).await, open(&world, &root).await);
    let ends = vec![
        ended(first, "recording_unavailable", "the broker is gone"),
        // A newer edge's word.
        ended(second, "eclipse", ""),
        // Nothing of ours, and nothing at all.
        ended(SessionId::generate(), "killed", ""),
        v1::SessionEnded::default(),
    ];
    report(&world, ends).await;
    let told = (EndReason::RecordingUnavailable, "the broker is gone".to_owned());
    assert_eq!(end(&world, first).await, told);
    let unknown = (EndReason::EdgeLost, EndReason::EdgeLost.message().to_owned());
    assert_eq!(end(&world, second).await, unknown);
}

#[tokio::test]
async fn the_first_reason_stands() {
    let world = World::new().await;
    world.pg().await;
    let session = open(&world, &world.root().await).await;
    let now = chrono::Utc::now();
    world.app.store.session_close(session, EndReason::ClientClosed, "", now).await.unwrap();
    for code in ["recording_unavailable", "killed"] {
        report(&world, vec![ended(session, code, "")]).await;
        assert_eq!(end(&world, session).await.0, EndReason::ClientClosed);
    }
}

#[tokio::test]
async fn a_session_that_is_over_makes_room_before_its_recording_is_finished() {
    let world = World::new().await;
    world.pg().await;
    let root = world.root().await;
    let mut body = pg_body("pg");
    body["max_sessions"] = json!(1);
    assert_eq!(world.put(&root, "/api/connections/pg", body).await.status, 200);
    let first = open(&world, &root).await;
    let ask = request(Proof::BearerToken(root.clone()));
    assert!(matches!(authorize(&world, &ask).await, Outcome::Denial(_)));
    let over = vec![first.as_bytes().to_vec().into(), b"no id".to_vec().into()];
    send(&world, v1::EdgeReport { over, ..v1::EdgeReport::default() }).await;
    assert!(matches!(authorize(&world, &ask).await, Outcome::Grant(_)));
    let path = format!("/api/sessions/{first}");
    assert_eq!(world.get(&root, &path).await.body["status"], "opening", "its row is not closed");
}
