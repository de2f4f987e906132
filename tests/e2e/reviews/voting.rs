//! Several reviewers, in several processes, at once.

use anyhow::{Context, ensure};
use hoop_tests::rest::text;
use serde_json::{Value, json};

use super::{Scene, vote};
use crate::Result;

/// Groups that all have to approve.
const GROUPS: [&str; 6] = ["g1", "g2", "g3", "g4", "g5", "g6"];

#[tokio::test]
async fn of_votes_that_come_at_once_through_two_processes_none_is_lost() -> Result {
    let scene = Scene::new().await?;
    scene.shared().await?;
    scene.change_shared(json!({ "reviewers": GROUPS })).await?;
    let (_api, other) = scene.gateway.another_api().await?;
    let mut reviewers = Vec::new();
    for (number, group) in GROUPS.into_iter().enumerate() {
        let rest =
            scene.gateway.rest.user_create(&format!("{group}@example.com"), &[group]).await?;
        let here = if number % 2 == 0 { rest.clone() } else { other.with_token(rest.token()) };
        reviewers.push(here);
    }
    for round in 0..5 {
        let held = scene.ann.post("/api/connections/shared/credentials", json!({})).await?;
        let id = text(&held, "review_id").to_owned();
        let votes = reviewers.iter().map(|reviewer| vote(reviewer, &id, "APPROVED", ""));
        for answer in futures_util::future::join_all(votes).await {
            let answer = answer?;
            ensure!(answer.status.is_success(), "round {round}: {answer:?}");
        }
        let review = scene.ann.get(&format!("/api/reviews/{id}")).await?;
        assert_eq!(text(&review, "status"), "APPROVED", "round {round}: {review}");
        let groups = review["review_groups_data"].as_array().context("no groups")?;
        let yes = groups.iter().filter(|group| text(group, "status") == "APPROVED");
        assert_eq!(yes.count(), GROUPS.len(), "round {round}: {review}");
        let back = vote(&scene.gateway.rest, &id, "REVOKED", "").await?;
        ensure!(back.status.is_success(), "round {round}: {back:?}");
    }
    Ok(())
}

#[tokio::test]
async fn people_see_their_own_requests_and_those_that_they_have_a_say_in() -> Result {
    let scene = Scene::new().await?;
    scene.shared().await?;
    scene.change_shared(json!({ "reviewers": ["leads"] })).await?;
    scene.ann.post("/api/connections/shared/credentials", json!({})).await?;
    let id = text(&scene.pending().await?, "id").to_owned();
    let carl = scene.gateway.rest.user_create("carl@example.com", &["dba"]).await?;
    for (who, sees) in [(&scene.ann, 1), (&scene.bob, 1), (&carl, 0), (&scene.gateway.rest, 1)] {
        for list in ["/api/reviews", "/api/jits"] {
            let page = who.get(list).await?;
            assert_eq!(page["data"].as_array().map(Vec::len), Some(sees), "{page}");
            let path = format!("{list}/{id}");
            let one = who.send(reqwest::Method::GET, &path, Value::Null).await?;
            assert_eq!(one.status, if sees == 1 { 200 } else { 404 }, "{one:?}");
        }
    }
    assert_eq!(vote(&carl, &id, "APPROVED", "").await?.status, 404, "not there for carl");
    Ok(())
}
