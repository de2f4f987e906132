//! API keys, service accounts, second factors and the audit log: each organisation's its own.

use hoop_domain::audit_line::START;
use hoop_store::{
    Error, OrgStore, Window,
    api_key::{ApiKey, ApiKeyChange, NewApiKey},
    audit_log::{Deed, LineFilter, Outcome, Who},
    service_account::{ServiceAccountChange, ServiceAccountSpec},
};

use crate::scene::{Scene, at, user};

fn missing<T: std::fmt::Debug>(result: &Result<T, Error>) {
    assert!(matches!(result, Err(Error::NotFound { .. })), "{result:?}");
}

async fn key(org: &OrgStore, name: &str, digest: u8) -> ApiKey {
    let new = NewApiKey {
        name: name.parse().unwrap(),
        digest: [digest; 32],
        masked: "hpk_abcd…wxyz".into(),
        groups: vec!["dba".parse().unwrap()],
        service_account: None,
        created_by: "ann@example.com",
        expires_at: Some(at(10)),
    };
    org.api_key_create(&new).await.unwrap()
}

fn robot() -> ServiceAccountSpec {
    ServiceAccountSpec {
        subject: "auth0|robot".into(),
        name: "Robot".into(),
        active: true,
        groups: Vec::new(),
    }
}

async fn line(org: &OrgStore) {
    let deed = Deed {
        who: &Who::default(),
        method: "POST",
        path: "/api/users",
        resource: "users",
        action: "create",
        client: "-",
        payload: None,
    };
    let line = org.audit_begin(&deed).await.unwrap();
    let outcome = Outcome { status: 201, error: "", who: None, at: at(1) };
    org.audit_complete(line, &outcome).await.unwrap();
}

#[tokio::test]
async fn programs_are_no_people_and_belong_to_one_organisation() {
    let Scene { store, org, other } = Scene::new().await;
    let made = key(&org, "ci", 1).await;
    let robot = org.service_account_create(&robot()).await.unwrap();
    assert!(org.user_list(&Window::ALL).await.unwrap().rows.is_empty());
    assert!(org.user_list_is_empty().await.unwrap());
    missing(&org.user_fetch("api-key:ci").await);
    missing(&org.user_fetch(&robot.id.to_string()).await);
    assert_eq!(org.principal_fetch(robot.id).await.unwrap().email, "service-account:auth0|robot");

    let owner = store.api_key_owner(&[1; 32], at(9)).await.unwrap().unwrap().owner;
    assert_eq!((owner.org, owner.token, owner.user.groups.len()), (org.id(), made.id, 1));
    assert!(store.api_key_owner(&[1; 32], at(10)).await.unwrap().is_none(), "its time is over");
    missing(&other.api_key_fetch("ci").await);
    missing(&other.api_key_fetch(&made.id.to_string()).await);
    missing(&other.api_key_update(made.id, &ApiKeyChange::default(), None).await);
    missing(&other.api_key_reactivate(made.id, at(0), None).await);
    missing(&other.api_key_revoke(made.id, "ben", None).await);
    assert!(store.api_key_owner(&[1; 32], at(9)).await.unwrap().is_some());
    missing(&other.service_account_fetch("auth0|robot").await);
    let change = ServiceAccountChange::default();
    missing(&other.service_account_update("auth0|robot", &change, None).await);
    missing(&other.service_account_delete("auth0|robot", None).await);
    missing(&other.principal_fetch(robot.id).await);
    assert!(other.service_account_list(&Window::ALL).await.unwrap().rows.is_empty());
    assert!(other.api_key_list(&Window::ALL).await.unwrap().rows.is_empty());
    key(&other, "ci", 2).await;
}

#[tokio::test]
async fn each_organisation_has_an_audit_log_of_its_own() {
    let Scene { org, other, .. } = Scene::new().await;
    line(&org).await;
    line(&org).await;
    assert_eq!(org.audit_head().await.unwrap().0, 2);
    assert_eq!(other.audit_head().await.unwrap(), (0, START));
    let all = LineFilter::default();
    assert!(other.audit_list(&all, None, 10).await.unwrap().rows.is_empty());
    assert!(other.audit_chain(&all, 0, 10).await.unwrap().is_empty());
    line(&other).await;
    assert_eq!(other.audit_chain(&all, 0, 10).await.unwrap()[0].line.position, 1);
}

#[tokio::test]
async fn a_second_factor_belongs_to_one_organisation() {
    let Scene { org, other, .. } = Scene::new().await;
    let ann = user(&org, "ann@example.com", &[]).await;
    org.totp_enrol(ann.id, b"secret").await.unwrap();
    org.totp_confirm(ann.id, 1, &[vec![7; 32]]).await.unwrap();
    assert!(other.totp_fetch(ann.id).await.unwrap().is_none());
    assert!(!other.totp_use(ann.id, 2).await.unwrap());
    assert!(!other.totp_recover(ann.id, &[7; 32]).await.unwrap());
    missing(&other.totp_delete(ann.id).await);
    missing(&other.user_password_change(ann.id, &hoop_domain::Secret::new("x".into()), None).await);
    assert!(org.totp_use(ann.id, 2).await.unwrap() && !org.totp_use(ann.id, 2).await.unwrap());
    assert!(org.totp_recover(ann.id, &[7; 32]).await.unwrap());
    assert!(!org.totp_recover(ann.id, &[7; 32]).await.unwrap());
}
