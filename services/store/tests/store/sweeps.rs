//! No session stays open for ever.

use hoop_domain::{
    EndReason, Plugin, PluginId, SessionId,
    session::{SessionState, Verb},
};
use hoop_store::{
    Store,
    session::{Kill, NewSession, Session},
};

use crate::scene::{Scene, at, cast, connection_spec, user_spec};

fn reason(session: &Session) -> Option<EndReason> {
    match session.state {
        SessionState::Closed { reason, .. } => Some(reason),
        SessionState::Opening { .. } | SessionState::Open { .. } => None,
    }
}

#[tokio::test]
async fn what_nobody_holds_is_found() {
    let Scene { store, org, .. } = Scene::new().await;
    let cast = cast(&org).await;
    let (unopened, lost, held) = (
        cast.session(&store, 0).await,
        cast.session(&store, 0).await,
        cast.session(&store, 0).await,
    );
    store.session_open(lost, at(1)).await.unwrap();
    store.session_open(held, at(1)).await.unwrap();
    assert!(store.session_seen("edge", &[held], at(90)).await.unwrap().is_empty());

    let mut unheld = store.session_unheld(at(60)).await.unwrap();
    unheld.sort_unstable();
    let mut expected = [(unopened, false), (lost, true)];
    expected.sort_unstable();
    assert_eq!(unheld, expected);

    // One whose end is recorded waits, in nobody's way, and is found again when it waits long.
    store.session_wait_for_writer(&[lost], at(70)).await.unwrap();
    assert_eq!(store.session_unheld(at(60)).await.unwrap(), [(unopened, false)]);
    assert_eq!(store.session_unheld(at(80)).await.unwrap().len(), 2);
    assert_eq!(reason(&org.session_fetch(lost, None).await.unwrap()), None);
}

#[tokio::test]
async fn an_edge_is_told_what_it_should_not_hold() {
    let Scene { store, org, .. } = Scene::new().await;
    let cast = cast(&org).await;
    let (fine, killed, done) = (
        cast.session(&store, 0).await,
        cast.session(&store, 0).await,
        cast.session(&store, 0).await,
    );
    let foreign = SessionId::generate();
    let kill = Kill { session: killed, reason: EndReason::Killed, message: "by ann".into() };
    assert!(org.session_kill(&kill).await.unwrap());
    assert!(!org.session_kill(&kill).await.unwrap(), "once");
    store.session_close(done, EndReason::EdgeLost, "gone", at(1)).await.unwrap();

    let told = store.session_seen("edge", &[fine, killed, done, foreign], at(2)).await.unwrap();
    assert_eq!(told.len(), 3);
    assert!(told.contains(&kill));
    let gone = Kill { session: done, reason: EndReason::EdgeLost, message: "gone".into() };
    assert!(told.contains(&gone));
    assert!(told.contains(&Kill::of(foreign, EndReason::Killed)));

    let late = store.session_seen("edge", &[fine], at(3600)).await.unwrap();
    assert_eq!(late, [Kill::of(fine, EndReason::Expired)]);
}

/// A live session, something taken away from under it, and the reason it ends for.
async fn check(take_away: impl AsyncFnOnce(&Scene, &crate::scene::Cast), expect: EndReason) {
    let scene = Scene::new().await;
    let cast = cast(&scene.org).await;
    let session = cast.session(&scene.store, 0).await;
    assert_eq!(unfounded(&scene.store).await, [], "nothing is wrong with it");
    take_away(&scene, &cast).await;
    assert_eq!(unfounded(&scene.store).await, [Kill::of(session, expect)]);
    assert_eq!(unfounded(&scene.store).await, [], "it is told once");
}

async fn unfounded(store: &Store) -> Vec<Kill> {
    store.session_kill_unfounded(at(1)).await.unwrap()
}

#[tokio::test]
async fn access_that_is_taken_away_ends_live_sessions() {
    let revoked = EndReason::AccessRevoked;
    check(async |scene, cast| scene.org.user_delete(cast.user.id, None).await.unwrap(), revoked)
        .await;
    check(
        async |scene, cast| {
            let spec = user_spec("ann@example.com", &["dev"]);
            scene.org.user_update(cast.user.id, &spec, None).await.unwrap();
        },
        revoked,
    )
    .await;
    check(
        async |scene, cast| {
            let mut spec = user_spec("ann@example.com", &["dba"]);
            spec.active = false;
            scene.org.user_update(cast.user.id, &spec, None).await.unwrap();
        },
        revoked,
    )
    .await;
    check(
        async |scene, cast| {
            let spec = connection_spec("pg", cast.agent, &["dev"]);
            scene.org.connection_update(cast.connection.id, &spec, None).await.unwrap();
        },
        revoked,
    )
    .await;
    check(
        async |scene, cast| scene.org.connection_delete(cast.connection.id, None).await.unwrap(),
        revoked,
    )
    .await;
    check(
        async |scene, cast| scene.org.credential_revoke(cast.credential, None).await.unwrap(),
        revoked,
    )
    .await;
    check(
        async |scene, cast| scene.org.agent_revoke(cast.agent).await.unwrap(),
        EndReason::AgentRevoked,
    )
    .await;
}

#[tokio::test]
async fn a_runbook_goes_on_while_runbooks_are_enabled_whatever_exec_is() {
    let Scene { store, org, .. } = Scene::new().await;
    let cast = cast(&org).await;
    let on = [(cast.connection.id, Vec::new())];
    org.plugin_create(PluginId::generate(), Plugin::Runbooks, 0, None, &on).await.unwrap();
    let mut spec = connection_spec("pg", cast.agent, &["dba"]);
    spec.mode_exec = false;
    org.connection_update(cast.connection.id, &spec, None).await.unwrap();
    let runbook = async || {
        let runbook = Some("clean.runbook.sql".into());
        let new = NewSession { verb: Verb::Exec, runbook, ..cast.allowed(0) };
        cast.put(&store, new).await
    };

    let ended_by_mode = runbook().await;
    assert_eq!(unfounded(&store).await, []);
    spec.mode_runbooks = false;
    org.connection_update(cast.connection.id, &spec, None).await.unwrap();
    let revoked = |session| [Kill::of(session, EndReason::AccessRevoked)];
    assert_eq!(unfounded(&store).await, revoked(ended_by_mode));

    spec.mode_runbooks = true;
    org.connection_update(cast.connection.id, &spec, None).await.unwrap();
    let ended_by_plugin = runbook().await;
    assert_eq!(unfounded(&store).await, []);
    org.plugin_update(Plugin::Runbooks, None, &[], None).await.unwrap();
    assert_eq!(unfounded(&store).await, revoked(ended_by_plugin));
    let kept = org.session_fetch(ended_by_plugin, None).await.unwrap();
    assert_eq!(kept.runbook.as_deref(), Some("clean.runbook.sql"));
}

#[tokio::test]
async fn a_session_that_has_outlived_its_credential_is_expired() {
    let Scene { store, org, .. } = Scene::new().await;
    let session = cast(&org).await.session(&store, 0).await;
    assert_eq!(store.session_kill_unfounded(at(3599)).await.unwrap(), []);
    let due = store.session_kill_unfounded(at(3600)).await.unwrap();
    assert_eq!(due, [Kill::of(session, EndReason::Expired)]);
}
