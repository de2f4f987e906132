//! From where accounts have logged in.

use hoop_domain::attempts::PLACES;

use crate::scene::{Scene, at, user};

const HOME: [u8; 16] = [255; 16];

fn place(number: u8) -> [u8; 16] {
    [number; 16]
}

#[tokio::test]
async fn the_latest_places_of_an_account_are_known_and_push_out_nobody_elses() {
    let Scene { org, other, .. } = Scene::new().await;
    let (ann, mallory) = ("ann@example.com", "mallory@example.com");
    user(&org, ann, &[]).await;
    user(&org, mallory, &[]).await;
    let known = async |email: &str, place| org.login_is_known(email, &place).await.unwrap();
    assert!(!known(ann, HOME).await);
    org.login_remember(ann, &HOME, at(0)).await.unwrap();
    assert!(known(ann, HOME).await);
    assert!(!other.login_is_known(ann, &HOME).await.unwrap(), "that is another organisation");

    org.login_remember(mallory, &HOME, at(0)).await.unwrap();
    for number in 0..100 {
        org.login_remember(mallory, &place(number), at(i64::from(number) + 1)).await.unwrap();
    }
    let mut of_mallory = 0;
    for number in 0..100 {
        of_mallory += usize::from(known(mallory, place(number)).await);
    }
    assert_eq!(of_mallory, PLACES);
    assert!(known(mallory, place(99)).await, "it is the latest");
    assert!(!known(mallory, HOME).await, "it is the oldest");
    assert!(known(ann, HOME).await);
}

#[tokio::test]
async fn a_place_that_is_used_again_stays_and_goes_with_its_account() {
    let Scene { org, .. } = Scene::new().await;
    let ann = user(&org, "ann@example.com", &[]).await;
    let known = async || org.login_is_known("ann@example.com", &HOME).await.unwrap();
    for number in 0..100 {
        let second = i64::from(number) * 2;
        org.login_remember("ann@example.com", &HOME, at(second)).await.unwrap();
        org.login_remember("ann@example.com", &place(number), at(second + 1)).await.unwrap();
    }
    assert!(known().await);
    org.user_delete(ann.id, None).await.unwrap();
    assert!(!known().await);
    org.login_remember("ann@example.com", &HOME, at(1000)).await.unwrap();
    assert!(!known().await, "there is no such account");
}
