//! One organisation sees nothing of another, whatever it asks for.

use hoop_store::{
    Error, Window,
    connection::ConnectionFilter,
    session::{Kill, SessionFilter},
};

use crate::scene::{Scene, at, cast, connection_spec, new_credential, user_spec};

fn missing<T: std::fmt::Debug>(result: &Result<T, Error>) {
    assert!(matches!(result, Err(Error::NotFound { .. })), "{result:?}");
}

#[tokio::test]
async fn one_organisation_cannot_read_anothers_rows() {
    let Scene { store, org, other } = Scene::new().await;
    let cast = cast(&org).await;
    let session = cast.session(&store, 0).await;

    missing(&other.user_fetch(&cast.user.id.to_string()).await);
    missing(&other.user_fetch("ann@example.com").await);
    missing(&other.agent_fetch(&cast.agent.to_string(), at(0)).await);
    missing(&other.agent_fetch("dev", at(0)).await);
    missing(&other.connection_fetch("pg").await);
    missing(&other.connection_fetch(&cast.connection.id.to_string()).await);
    missing(&other.session_fetch(session, None).await);

    let every = ConnectionFilter::default();
    assert!(other.user_list(&Window::ALL).await.unwrap().rows.is_empty());
    assert!(other.group_list(&Window::ALL).await.unwrap().rows.is_empty());
    assert!(other.agent_list(at(0), &Window::ALL).await.unwrap().rows.is_empty());
    assert!(other.connection_list(None, &every, &Window::ALL).await.unwrap().rows.is_empty());
    let everything = SessionFilter::default();
    assert!(other.session_list(&everything, None, 10).await.unwrap().rows.is_empty());
    assert_eq!(other.session_count(&everything, 10).await.unwrap(), 0);
    assert!(other.user_password("ann@example.com").await.unwrap().is_none());
}

#[tokio::test]
async fn one_organisation_cannot_change_anothers_rows() {
    let Scene { store, org, other } = Scene::new().await;
    let cast = cast(&org).await;
    let session = cast.session(&store, 0).await;

    missing(&other.user_update(cast.user.id, &user_spec("ann@example.com", &[]), None).await);
    missing(&other.user_delete(cast.user.id, None).await);
    missing(&other.token_create(cast.user.id, "x", &[1; 32], None).await);
    missing(&other.agent_revoke(cast.agent).await);
    let spec = connection_spec("pg", cast.agent, &[]);
    missing(&other.connection_update(cast.connection.id, &spec, None).await);
    missing(&other.connection_delete(cast.connection.id, None).await);
    missing(&other.credential_revoke(cast.credential, None).await);
    missing(&other.group_delete(&"dba".parse().unwrap()).await);
    let kill = Kill::of(session, hoop_domain::EndReason::Killed);
    assert!(!other.session_kill(&kill).await.unwrap());
    assert_eq!(org.user_fetch("ann@example.com").await.unwrap().groups.len(), 1);
}

#[tokio::test]
async fn a_row_cannot_point_into_another_organisation() {
    let Scene { org, other, .. } = Scene::new().await;
    let ours = cast(&org).await;
    let theirs = cast(&other).await;

    let spec = connection_spec("stolen", ours.agent, &[]);
    missing(&other.connection_create(hoop_domain::ConnectionId::generate(), &spec).await);
    missing(&other.connection_update(theirs.connection.id, &spec, None).await);
    for (user, connection) in
        [(ours.user.id, theirs.connection.id), (theirs.user.id, ours.connection.id)]
    {
        let stolen = other.credential_create(&new_credential(user, connection, "c-x")).await;
        assert!(matches!(stolen, Err(Error::Conflict { .. })), "{stolen:?}");
    }
}
