//! Commands over REST on a connection whose commands somebody approves.

use anyhow::ensure;
use hoop_tests::{Answer, rest::text};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Scene, decide};
use crate::Result;

/// Asks for it as ann, with the same key each time.
async fn run(scene: &Scene, script: &str) -> Result<Answer> {
    let ann = scene.ann.claiming("idempotency-key", "deploy-42")?;
    let body = json!({ "connection": "bash", "script": script });
    ann.send(Method::POST, "/api/sessions", body).await
}

#[tokio::test]
async fn a_command_over_rest_waits_for_its_approval_and_runs_once_when_it_is_sent_again() -> Result
{
    let scene = Scene::new().await?;
    scene.bash().await?;
    let mark = scene.person.home().join("mark");
    let script = format!("echo ran >> {}; echo done", mark.display());
    let count = || std::fs::read_to_string(&mark).map_or(0, |text| text.lines().count());

    let held = run(&scene, &script).await?;
    ensure!(held.status == 202 && held.body["has_review"] == true, "{held:?}");
    ensure!(held.body["output_status"] == "waiting", "{held:?}");
    ensure!(held.body["session_id"].is_null() && count() == 0, "{held:?}");
    let review = scene.pending().await?;
    assert_eq!(text(&review, "id"), text(&held.body, "review_id"));
    let again = run(&scene, &script).await?;
    assert_eq!(again.body["review_id"], held.body["review_id"], "it is the same request");

    decide(&scene.bob, text(&review, "id"), "APPROVED").await?;
    let ran = run(&scene, &script).await?;
    ensure!(ran.status == 200 && ran.body["output"] == "done\n", "{ran:?}");
    assert_eq!(count(), 1);
    // It was done under this key: the answer is given again, and nobody is asked again.
    let replayed = run(&scene, &script).await?;
    assert_eq!(replayed.body, ran.body);
    assert_eq!(count(), 1);
    Ok(())
}

#[tokio::test]
async fn a_test_of_a_connection_that_needs_an_approval_bothers_nobody() -> Result {
    let scene = Scene::new().await?;
    scene.bash().await?;
    let answer = scene.ann.send(Method::POST, "/api/connections/bash/test", Value::Null).await?;
    ensure!(answer.status == 200 && answer.body["success"] == false, "{answer:?}");
    ensure!(answer.body["code"] == "review_required", "{answer:?}");
    let page = scene.ann.get("/api/reviews").await?;
    assert_eq!(page["data"], json!([]));
    Ok(())
}

#[tokio::test]
async fn a_test_of_sessions_works_once_they_are_approved() -> Result {
    let scene = Scene::new().await?;
    scene.shared().await?;
    scene.change_shared(json!({ "reviewers": ["leads"] })).await?;
    let test = "/api/connections/shared/test";
    let refused = scene.ann.post(test, Value::Null).await?;
    assert_eq!(text(&refused, "code"), "review_required", "{refused}");
    assert_eq!(scene.ann.get("/api/reviews").await?["data"], json!([]), "nobody was asked");
    let held = scene.ann.post("/api/connections/shared/credentials", json!({})).await?;
    decide(&scene.bob, text(&held, "review_id"), "APPROVED").await?;
    let answer = scene.ann.post(test, Value::Null).await?;
    assert_eq!((&answer["success"], text(&answer, "reached")), (&json!(true), "target"));
    Ok(())
}
