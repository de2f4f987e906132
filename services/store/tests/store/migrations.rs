//! The schema comes up from nothing, once.

use hoop_store::{Error, Store};

#[tokio::test]
async fn several_processes_may_migrate_at_once() {
    let postgres = hoop_testkit::postgres().await.unwrap();
    let uri = postgres.create_database().await.unwrap();
    let store = Store::connect(&uri).await.unwrap();
    let (first, second, third) = tokio::join!(store.migrate(), store.migrate(), store.migrate());
    assert!(first.is_ok() && second.is_ok() && third.is_ok());
    let org = store.org_ensure("default").await.unwrap();
    assert_eq!(store.org_ensure("default").await.unwrap(), org);
}

#[tokio::test]
async fn a_database_that_is_not_there_is_refused_at_once() {
    let postgres = hoop_testkit::postgres().await.unwrap();
    let error = Store::connect(&postgres.uri("no_such_database")).await.unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
    let error = Store::connect("not a uri").await.unwrap_err();
    assert!(error.to_string().contains("postgres://user:password@host:port/database"));
}
