//! Connections and whom they are open to.

use hoop_domain::ConnectionId;
use hoop_store::Error;

use crate::scene::{Scene, agent, connection, connection_spec};

#[tokio::test]
async fn a_name_is_taken_once_and_needs_a_living_agent() {
    let Scene { org, .. } = Scene::new().await;
    let dev = agent(&org, "dev").await;
    connection(&org, "pg", dev, &["dba"]).await;
    let spec = connection_spec("pg", dev, &[]);
    let twice = org.connection_create(ConnectionId::generate(), &spec).await;
    assert!(matches!(twice, Err(Error::Conflict { .. })));

    org.agent_revoke(dev).await.unwrap();
    let spec = connection_spec("other", dev, &[]);
    let orphan = org.connection_create(ConnectionId::generate(), &spec).await;
    assert!(matches!(orphan, Err(Error::NotFound { what: "agent" })));
    assert_eq!(org.connection_fetch("pg").await.unwrap().agent, dev, "what is there stays");
}

#[tokio::test]
async fn a_change_counts_and_keeps_the_secret_unless_there_is_a_new_one() {
    let Scene { org, .. } = Scene::new().await;
    let dev = agent(&org, "dev").await;
    let before = connection(&org, "pg", dev, &["dba"]).await;

    let mut spec = connection_spec("pg2", dev, &["dev", "ops"]);
    spec.secret = None;
    spec.mode_exec = false;
    let after = org.connection_update(before.id, &spec, None).await.unwrap();
    assert_eq!((after.version, after.secret, after.mode_exec), (2, before.secret, false));
    assert_eq!(after.secret_updated_at, before.secret_updated_at);
    assert_eq!(after.groups.len(), 2);
    assert!(org.connection_fetch("pg").await.is_err());

    org.connection_delete(before.id, None).await.unwrap();
    assert!(matches!(org.connection_delete(before.id, None).await, Err(Error::NotFound { .. })));
}
