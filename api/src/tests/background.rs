//! What happens without being asked.

use std::sync::atomic::Ordering;

use chrono::{TimeDelta, Utc};
use futures_util::StreamExt;
use hoop_bus::{Bus, Subject, stream::AUDIT};
use hoop_domain::{
    AgentId, ConnectionId, Direction, EndReason, SessionId, UserId, session::SessionState,
};
use hoop_proto::v1::{self, packet::Body};
use hoop_store::{Window, session::NewSession};
use serde_json::json;

use super::{
    recordings::Recorder,
    sessions::open,
    tail::{data, publish},
    world::World,
};

#[tokio::test]
async fn taking_access_away_ends_the_live_session() {
    let world = World::new().await;
    world.pg().await;
    let ann = world.user("ann@example.com", &["dba"]).await;
    let session = open(&world, &ann).await;
    let edge = Bus::connect(&world.nats.url(), "edge").await.unwrap();
    let mut relay = edge.relay(session).await.unwrap();
    edge.client().flush().await.unwrap();

    let body = json!({ "groups": ["dev"] });
    world.put(&world.root().await, "/api/users/ann@example.com", body).await;
    let notice = tokio::time::timeout(hoop_testkit::patience(), relay.next()).await;
    let text = String::from_utf8_lossy(&notice.unwrap().unwrap().payload).into_owned();
    assert!(text.contains("access_revoked"), "{text}");
}

#[tokio::test]
async fn what_happened_is_published_once_with_its_id() {
    let world = World::new().await;
    let edge = Bus::connect(&world.nats.url(), "test").await.unwrap();
    let mut events = edge.client().subscribe("events.>").await.unwrap();
    edge.client().flush().await.unwrap();
    let root = world.root().await;
    world.post(&root, "/api/agents", json!({ "name": "dev" })).await;
    let agent_created = async {
        loop {
            let event = events.next().await.unwrap();
            if event.subject.as_str() == "events.agent.created" {
                return event;
            }
        }
    };
    let event = tokio::time::timeout(hoop_testkit::patience(), agent_created).await.unwrap();
    assert!(event.headers.unwrap().get("Nats-Msg-Id").is_some());
    hoop_testkit::eventually("the outbox to be empty", async || {
        let claim = world.app.store.outbox_claim(10).await?;
        anyhow::ensure!(claim.events().is_empty(), "{:?}", claim.events());
        Ok(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_second_process_shares_the_work_and_makes_no_second_first_user() {
    let world = World::new().await;
    let config = (*world.app.config).clone();
    let second = config.build().await.unwrap();
    assert_ne!(second.address().port(), 0);
    assert_eq!(world.app.org.user_list(&Window::ALL).await.unwrap().rows.len(), 1);
    assert!(!world.database.is_empty());
}

/// A session that was allowed, and of which no edge has spoken for minutes.
async fn unheld(world: &World) -> SessionId {
    let session = NewSession {
        id: SessionId::generate(),
        user: UserId::generate(),
        user_email: "ann@example.com".into(),
        user_name: "Ann".into(),
        connection: ConnectionId::generate(),
        connection_name: "pg".parse().unwrap(),
        connection_kind: hoop_domain::ConnectionType::Postgres,
        agent: AgentId::generate(),
        agent_name: "dev".parse().unwrap(),
        verb: hoop_domain::session::Verb::Connect,
        runbook: None,
        command: Vec::new(),
        credential: None,
        token: None,
        review: None,
        client_address: String::new(),
        client_application: String::new(),
        not_after: None,
        authorized_at: Utc::now() - TimeDelta::minutes(5),
    };
    world.app.org.session_create(&session, None).await.unwrap();
    session.id
}

async fn state(world: &World, session: SessionId) -> SessionState {
    world.app.org.session_fetch(session, None).await.unwrap().state
}

#[tokio::test]
async fn a_process_that_has_just_come_up_takes_no_silence_for_an_end() {
    let world = World::new().await;
    let session = unheld(&world).await;
    crate::reconcile::step(&world.app, false).await.unwrap();
    assert_eq!(state(&world, session).await.as_str(), "opening");
    crate::reconcile::step(&world.app, true).await.unwrap();
    assert_eq!(state(&world, session).await.as_str(), "done");
}

#[tokio::test]
async fn how_a_session_ended_is_left_to_its_recording_however_late_that_is() {
    let world = World::new().await;
    let (nothing, begun, whole) =
        (unheld(&world).await, unheld(&world).await, unheld(&world).await);
    let last = |reason| Body::SessionEnd(v1::SessionEnd::of(reason));
    let mut recorder = Recorder::new(&world, begun);
    let ended = (Direction::In, last(EndReason::ClientClosed));
    publish(&world, &mut recorder, &[(Direction::Out, data("a")), ended.clone()]).await;
    let mut recorder = Recorder::new(&world, whole);
    publish(&world, &mut recorder, &[ended, (Direction::Out, last(EndReason::ClientClosed))]).await;

    // Again and again, as it goes.
    for _ in 0..3 {
        crate::reconcile::step(&world.app, true).await.unwrap();
    }
    let reason = async |session| match state(&world, session).await {
        SessionState::Closed { reason, .. } => Some(reason),
        SessionState::Opening { .. } | SessionState::Open { .. } => None,
    };
    assert_eq!(reason(nothing).await, Some(EndReason::NeverOpened));
    assert_eq!(reason(begun).await, Some(EndReason::EdgeLost), "it was there, though not stored");
    assert_eq!(reason(whole).await, None, "the audit-writer knows how it ended");
}

#[tokio::test]
async fn who_leaves_answers_what_was_asked_before() {
    let world = World::new().await;
    let edge = Bus::connect(&world.nats.url(), "edge").await.unwrap();
    let subject = Subject::AgentControl { agent: AgentId::generate() };
    let client = world.app.bus.client();
    let statistics = client.statistics();
    let questions = world.app.bus.serve(&subject, "leaving").await.unwrap();
    // The broker answers in order: with this answer, it knows of the subscription.
    world.app.bus.jetstream().get_stream(AUDIT).await.unwrap();
    let before = statistics.in_messages.load(Ordering::Relaxed);
    for _ in 0..5 {
        let (asked, inbox) = (subject.to_string(), edge.client().new_inbox());
        edge.client().publish_with_reply(asked, inbox, "".into()).await.unwrap();
    }
    edge.client().flush().await.unwrap();
    hoop_testkit::eventually("the questions to be here", async || {
        let here = statistics.in_messages.load(Ordering::Relaxed);
        anyhow::ensure!(before + 5 <= here, "{here} messages are");
        Ok(())
    })
    .await
    .unwrap();
    let left: Vec<_> = questions.until(std::future::ready(())).collect().await;
    assert_eq!(left.len(), 5);
}
