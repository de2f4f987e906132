//! Credentials for native ports.

use crate::scene::{Scene, cast, new_credential, user};

#[tokio::test]
async fn a_verifier_comes_back_as_it_was_even_when_revoked() {
    let Scene { store, org, .. } = Scene::new().await;
    let cast = cast(&org).await;
    let new = new_credential(cast.user.id, cast.connection.id, "c-7f3k9q");
    let id = org.credential_create(&new).await.unwrap();
    org.credential_revoke(id, Some(cast.user.id)).await.unwrap();

    assert_eq!(store.credential_verifier("c-7f3k9q").await.unwrap(), Some(new.verifier));
    let found = store.credential_by_username("c-7f3k9q").await.unwrap().unwrap();
    assert_eq!((found.id, found.connection), (id, cast.connection.id));
    assert!(found.revoked);
    assert_eq!(store.credential_verifier("c-nobody").await.unwrap(), None);
}

#[tokio::test]
async fn nobody_revokes_the_credential_of_another() {
    let Scene { store, org, .. } = Scene::new().await;
    let cast = cast(&org).await;
    let ben = user(&org, "ben@example.com", &["dba"]).await;
    assert!(org.credential_revoke(cast.credential, Some(ben.id)).await.is_err());
    let username = format!("c-{}", org.id());
    assert!(!store.credential_by_username(&username).await.unwrap().unwrap().revoked);
}

#[tokio::test]
async fn a_new_password_revokes_the_credentials_of_its_user_only() {
    let Scene { store, org, .. } = Scene::new().await;
    let cast = cast(&org).await;
    let ben = user(&org, "ben@example.com", &["dba"]).await;
    let bens = new_credential(ben.id, cast.connection.id, "c-ben");
    org.credential_create(&bens).await.unwrap();
    let hash = hoop_domain::Secret::new("hash".to_owned());
    org.user_password_change(cast.user.id, &hash, None).await.unwrap();
    let username = format!("c-{}", org.id());
    assert!(store.credential_by_username(&username).await.unwrap().unwrap().revoked);
    assert!(!store.credential_by_username("c-ben").await.unwrap().unwrap().revoked);
}

#[tokio::test]
async fn a_credential_goes_with_its_connection() {
    let Scene { store, org, .. } = Scene::new().await;
    let cast = cast(&org).await;
    org.connection_delete(cast.connection.id, None).await.unwrap();
    let username = format!("c-{}", org.id());
    assert_eq!(store.credential_verifier(&username).await.unwrap(), None);
}
