//! A session opens once, closes once, and tells of both.

use hoop_domain::{EndReason, SessionId, session::SessionState};

use crate::scene::{Scene, at, cast};

#[tokio::test]
async fn the_first_end_stands() {
    let Scene { store, org, .. } = Scene::new().await;
    let session = cast(&org).await.session(&store, 0).await;
    assert!(store.session_open(session, at(1)).await.unwrap());
    assert!(!store.session_open(session, at(2)).await.unwrap());
    let close = async |reason, second| {
        store.session_close(session, reason, "the sentence", at(second)).await.unwrap()
    };
    assert!(close(EndReason::Killed, 3).await);
    assert!(!close(EndReason::EdgeLost, 4).await);
    assert!(!store.session_open(session, at(5)).await.unwrap());

    let found = org.session_fetch(session, None).await.unwrap();
    assert_eq!(
        found.state,
        SessionState::Closed {
            opened_at: Some(at(1)),
            closed_at: at(3),
            reason: EndReason::Killed
        }
    );
    assert_eq!(found.end_message, "the sentence");

    let claim = store.outbox_claim(100).await.unwrap();
    let told: Vec<&str> = claim
        .events()
        .iter()
        .map(|event| event.kind.as_str())
        .filter(|kind| kind.starts_with("session."))
        .collect();
    assert_eq!(told, ["session.opened", "session.killed"]);
}

#[tokio::test]
async fn a_session_outlives_everything_that_it_was_made_of() {
    let Scene { store, org, .. } = Scene::new().await;
    let cast = cast(&org).await;
    let session = cast.session(&store, 0).await;
    org.connection_delete(cast.connection.id, None).await.unwrap();
    org.agent_revoke(cast.agent).await.unwrap();
    org.user_delete(cast.user.id, None).await.unwrap();

    let found = org.session_fetch(session, None).await.unwrap();
    assert_eq!(found.user_email, "ann@example.com");
    assert_eq!(found.connection_name.as_str(), "pg");
    assert_eq!(found.agent_name.as_str(), "dev");
}

#[tokio::test]
async fn a_session_that_is_over_takes_no_place_although_it_is_not_done() {
    let Scene { store, org, .. } = Scene::new().await;
    let cast = cast(&org).await;
    let (over, live) = (cast.session(&store, 0).await, cast.session(&store, 0).await);
    let beside = async |session| {
        let (connection, user) = (cast.connection.id, cast.user.id);
        let count = org.session_count_live(connection, user, session).await.unwrap();
        (count.of_user, count.of_all)
    };
    let count = async || beside(SessionId::generate()).await;
    assert_eq!(count().await, (2, 2));
    assert_eq!(beside(live).await, (1, 1), "it takes no place from itself");
    store.session_over(&[over], at(1)).await.unwrap();
    store.session_over(&[over], at(2)).await.unwrap();
    assert_eq!(count().await, (1, 1));
    for session in [over, live] {
        let found = org.session_fetch(session, None).await.unwrap();
        assert_eq!(found.state, SessionState::Opening { authorized_at: at(0) });
    }
}
