//! Users, groups and tokens.

use hoop_domain::{GroupName, Role};
use hoop_store::Error;

use crate::scene::{Scene, at, user, user_spec};

#[tokio::test]
async fn an_address_is_taken_once_whatever_its_case() {
    let Scene { org, .. } = Scene::new().await;
    user(&org, "Ann@Example.com", &["dba", "admin"]).await;
    let again = org.user_create(&user_spec("ann@example.COM", &[])).await;
    assert!(matches!(again, Err(Error::Conflict { .. })));

    let ann = org.user_fetch("ANN@example.com").await.unwrap();
    assert_eq!(ann.email, "ann@example.com");
    assert_eq!(ann.role(), Role::Admin);
    assert_eq!(ann.groups.iter().map(GroupName::as_str).collect::<Vec<_>>(), ["admin", "dba"]);
}

#[tokio::test]
async fn a_change_replaces_the_groups_and_keeps_the_password() {
    let Scene { org, .. } = Scene::new().await;
    let mut spec = user_spec("ann@example.com", &["dba"]);
    spec.password_hash = Some(hoop_domain::Secret::new("hash".into()));
    let ann = org.user_create(&spec).await.unwrap();

    let ann = org.user_update(ann.id, &user_spec("ann@example.com", &["dev"])).await.unwrap();
    assert_eq!(ann.groups.len(), 1);
    assert_eq!(org.user_password("ann@example.com").await.unwrap().unwrap().reveal(), "hash");

    spec.active = false;
    org.user_update(ann.id, &spec).await.unwrap();
    assert!(org.user_password("ann@example.com").await.unwrap().is_none());
}

#[tokio::test]
async fn a_deleted_group_takes_its_members_out() {
    let Scene { org, .. } = Scene::new().await;
    user(&org, "ann@example.com", &["dba"]).await;
    let dba = "dba".parse().unwrap();
    assert!(matches!(org.group_create(&dba).await, Err(Error::Conflict { .. })));
    org.group_delete(&dba).await.unwrap();
    assert!(org.user_fetch("ann@example.com").await.unwrap().groups.is_empty());
    assert!(matches!(org.group_delete(&dba).await, Err(Error::NotFound { .. })));
}

#[tokio::test]
async fn a_token_works_until_it_expires_or_its_owner_is_gone() {
    let Scene { store, org, .. } = Scene::new().await;
    let ann = user(&org, "ann@example.com", &["dba"]).await;
    org.token_create(ann.id, "short", &[1; 32], Some(at(10))).await.unwrap();
    org.token_create(ann.id, "long", &[2; 32], None).await.unwrap();

    let owner = store.token_owner(&[1; 32], at(9)).await.unwrap().unwrap();
    assert_eq!((owner.user.id, owner.org), (ann.id, org.id()));
    assert!(store.token_owner(&[1; 32], at(10)).await.unwrap().is_none());
    assert!(store.token_owner(&[3; 32], at(0)).await.unwrap().is_none());

    assert_eq!(store.token_forget_expired(at(11)).await.unwrap(), 1);
    org.user_delete(ann.id).await.unwrap();
    assert!(store.token_owner(&[2; 32], at(0)).await.unwrap().is_none());
}
