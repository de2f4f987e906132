//! Connections and whom they are open to.

use hoop_domain::{ConnectionId, GroupName};
use hoop_store::{Error, connection::ConnectionFilter};

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

#[tokio::test]
async fn a_numbered_page_counts_what_is_asked_for_and_no_more() {
    let Scene { org, .. } = Scene::new().await;
    let dev = agent(&org, "dev").await;
    for (name, groups) in [("a", ["dba"]), ("b", ["ops"]), ("c", ["dba"]), ("d", ["dba"])] {
        connection(&org, name, dev, &groups).await;
    }
    let dba: [GroupName; 1] = ["dba".parse().unwrap()];
    let page = async |groups: Option<&[GroupName]>, part: Option<&str>, skipped, most| {
        let filter = ConnectionFilter { part: part.map(str::to_owned), ..Default::default() };
        let page = org.connection_list_numbered(groups, &filter, skipped, most).await;
        let (rows, total) = page.unwrap();
        (rows.iter().map(|one| one.name.to_string()).collect::<Vec<_>>(), total)
    };
    assert_eq!(page(None, None, 0, 3).await, (vec!["a".into(), "b".into(), "c".into()], 4));
    assert_eq!(page(None, None, 3, 3).await, (vec!["d".into()], 4));
    assert_eq!(page(None, None, 6, 3).await, (Vec::<String>::new(), 4));
    assert_eq!(page(Some(&dba), None, 1, 1).await, (vec!["c".into()], 3));
    assert_eq!(page(Some(&dba), Some("B"), 0, 9).await, (Vec::<String>::new(), 0));
}
