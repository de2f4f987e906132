//! What is kept of people on their way to a SAML provider and back; and how long they stay.

use chrono::TimeDelta;
use hoop_domain::Role;
use hoop_store::sign_in::{Identity, SamlAnswer, SamlSignIn};

use super::world::World;
use crate::auth::browser;

const RELAY: [u8; 32] = [1; 32];
const BROWSER: [u8; 32] = [2; 32];

fn answer(subject: &str) -> SamlAnswer {
    let identity = Identity {
        subject: subject.into(),
        email: "ann@example.com".into(),
        email_unverified: false,
        name: "Ann".into(),
        groups: Some(vec!["dba".parse().unwrap()]),
    };
    SamlAnswer { identity, ends_at: None }
}

#[tokio::test]
async fn a_request_takes_one_answer_which_is_given_once() {
    let world = World::new().await;
    let (org, now) = (&world.app.org, world.app.now());
    let later = now + TimeDelta::minutes(10);
    let sign_in = SamlSignIn {
        browser_digest: BROWSER,
        request_id: "_request".into(),
        destination: "/here".into(),
        expires_at: later,
    };
    assert_eq!(org.saml_sign_in_pending(&RELAY, now).await.unwrap(), None);
    org.saml_sign_in_begin(&RELAY, &sign_in).await.unwrap();
    assert_eq!(org.saml_sign_in_pending(&RELAY, later).await.unwrap(), None, "too late");
    let pending = org.saml_sign_in_pending(&RELAY, now).await.unwrap();
    assert_eq!(pending.as_deref(), Some("_request"));

    // Two processes have found the same request, and both have verified an answer.
    let (first, second) = ([3; 32], [4; 32]);
    let (ann, eve) = (answer("saml:ann"), answer("saml:eve"));
    assert!(!org.saml_sign_in_answer(&RELAY, &first, &ann, later, later).await.unwrap());
    assert!(org.saml_sign_in_answer(&RELAY, &first, &ann, now, later).await.unwrap());
    assert!(!org.saml_sign_in_answer(&RELAY, &second, &eve, now, later).await.unwrap());
    assert_eq!(org.saml_sign_in_pending(&RELAY, now).await.unwrap(), None, "answered");

    assert!(org.saml_sign_in_take(&second, now).await.unwrap().is_none());
    let arrival = org.saml_sign_in_take(&first, now).await.unwrap().unwrap();
    assert_eq!((arrival.browser_digest, arrival.destination.as_str()), (BROWSER, "/here"));
    assert_eq!(arrival.answer.identity.subject, "saml:ann");
    assert_eq!(arrival.answer.identity.groups, ann.identity.groups);
    assert!(org.saml_sign_in_take(&first, now).await.unwrap().is_none(), "given twice");
}

#[tokio::test]
async fn an_answer_that_nobody_takes_is_forgotten() {
    let world = World::new().await;
    let (org, now) = (&world.app.org, world.app.now());
    let sign_in = SamlSignIn {
        browser_digest: BROWSER,
        request_id: "_request".into(),
        destination: "/".into(),
        expires_at: now + TimeDelta::minutes(10),
    };
    org.saml_sign_in_begin(&RELAY, &sign_in).await.unwrap();
    let (bearer, soon) = ([3; 32], now + TimeDelta::minutes(2));
    let ann = answer("saml:ann");
    assert!(org.saml_sign_in_answer(&RELAY, &bearer, &ann, now, soon).await.unwrap());
    world.app.store.sign_in_forget_expired(soon + TimeDelta::seconds(1)).await.unwrap();
    assert!(org.saml_sign_in_take(&bearer, now).await.unwrap().is_none());
}

#[tokio::test]
async fn a_session_ends_when_the_provider_wants_it_and_after_half_a_day_at_the_latest() {
    let world = World::new().await;
    world.somebody(Role::Standard).await;
    let user = world.app.org.user_fetch("standard@example.com").await.unwrap();
    let half_a_day = 12 * 3600;
    let lasts = async |latest| {
        let (_, (_, line)) = browser::sign_in_until(&world.app, user.id, latest).await.unwrap();
        let line = line.to_str().unwrap().to_owned();
        let age = line.split("Max-Age=").nth(1).unwrap().split(';').next().unwrap();
        age.parse::<i64>().unwrap()
    };
    let now = world.app.now();
    assert_eq!(lasts(None).await, half_a_day);
    assert_eq!(lasts(Some(now + TimeDelta::days(2))).await, half_a_day);
    assert!(lasts(Some(now + TimeDelta::hours(1))).await <= 3600);
}
