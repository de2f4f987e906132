//! Users, groups and tokens.

use hoop_domain::{GroupName, Role, Secret, TokenId, UserId};
use hoop_store::{
    Error, OrgStore,
    service_account::ServiceAccountSpec,
    sign_in::{Identity, NotLetIn},
    token::{Kind, NewToken},
};

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
    spec.password_hash = Some(Secret::new("hash".into()));
    let ann = org.user_create(&spec).await.unwrap();

    let (ann, _) =
        org.user_update(ann.id, &user_spec("ann@example.com", &["dev"]), None).await.unwrap();
    assert_eq!(ann.groups.len(), 1);
    assert_eq!(org.user_password("ann@example.com").await.unwrap().unwrap().reveal(), "hash");

    spec.active = false;
    org.user_update(ann.id, &spec, None).await.unwrap();
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
    org.user_delete(ann.id, None).await.unwrap();
    assert!(store.token_owner(&[2; 32], at(0)).await.unwrap().is_none());
}

fn login(user: UserId, digest: u8) -> NewToken<'static> {
    NewToken {
        user,
        kind: Kind::Login,
        name: "login",
        digest: [digest; 32],
        expires_at: Some(at(20)),
        parent: None,
        password: None,
    }
}

#[tokio::test]
async fn a_token_that_was_had_with_an_old_password_is_not_kept() {
    let Scene { store, org, .. } = Scene::new().await;
    let (old, new) = (Secret::new("old".to_owned()), Secret::new("new".to_owned()));
    let mut spec = user_spec("ann@example.com", &[]);
    spec.password_hash = Some(old.clone());
    let ann = org.user_create(&spec).await.unwrap().id;
    org.token_keep(&NewToken { password: Some(&old), ..login(ann, 1) }).await.unwrap();
    org.user_password_change(ann, &new, None).await.unwrap();
    assert!(store.token_owner(&[1; 32], at(0)).await.unwrap().is_none());
    let late = org.token_keep(&NewToken { password: Some(&old), ..login(ann, 2) }).await;
    assert!(matches!(late, Err(Error::NotFound { .. })), "{late:?}");
    org.token_keep(&NewToken { password: Some(&new), ..login(ann, 3) }).await.unwrap();
    org.token_keep(&login(ann, 4)).await.unwrap();
}

#[tokio::test]
async fn a_token_ends_with_its_parent_at_the_latest() {
    let Scene { store, org, .. } = Scene::new().await;
    let ann = user(&org, "ann@example.com", &[]).await.id;
    let keep = async |digest, parent: Option<TokenId>, expires_at| {
        let new = NewToken { parent, expires_at, ..login(ann, digest) };
        org.token_keep(&new).await.unwrap()
    };
    let short = keep(1, None, Some(at(10))).await;
    let endless = keep(2, None, None).await;
    for (digest, parent, expires_at, expected) in [
        (3, Some(short), Some(at(20)), Some(at(10))),
        (4, Some(short), Some(at(5)), Some(at(5))),
        (5, Some(short), None, Some(at(10))),
        (6, Some(endless), Some(at(20)), Some(at(20))),
        (7, None, Some(at(20)), Some(at(20))),
    ] {
        keep(digest, parent, expires_at).await;
        let owner = store.token_owner(&[digest; 32], at(0)).await.unwrap().unwrap();
        assert_eq!(owner.expires_at, expected, "{digest}");
    }
}

async fn account(org: &OrgStore) {
    let spec = ServiceAccountSpec {
        subject: "robot@example.com".into(),
        name: "Robot".into(),
        active: true,
        groups: Vec::new(),
    };
    org.service_account_create(&spec).await.unwrap();
}

#[tokio::test]
async fn nobody_comes_from_the_identity_provider_as_a_program() {
    let Scene { org, .. } = Scene::new().await;
    account(&org).await;
    let identity = Identity {
        subject: "somebody".into(),
        email: "service-account:robot@example.com".into(),
        email_unverified: false,
        name: "Somebody".into(),
        groups: None,
    };
    let refused = org.user_sign_in(&identity).await.unwrap();
    assert_eq!(refused.unwrap_err(), NotLetIn::AddressOfAnother);
    assert!(org.user_by_subject("somebody").await.unwrap().is_none());
}
