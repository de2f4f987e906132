//! `hoop exec` on a connection whose commands somebody approves.

use anyhow::ensure;
use hoop_tests::rest::text;
use serde_json::json;

use super::{BOB, Scene, decide, said, vote};
use crate::Result;

/// A command that leaves a mark each time it runs, and the number of marks.
struct Mark(std::path::PathBuf);

impl Mark {
    fn new(scene: &Scene) -> Self {
        Self(scene.person.home().join("mark"))
    }

    fn command(&self) -> String {
        format!("echo ran >> {}; echo done", self.0.display())
    }

    fn count(&self) -> usize {
        std::fs::read_to_string(&self.0).map_or(0, |text| text.lines().count())
    }
}

#[tokio::test]
async fn a_command_is_held_until_somebody_else_approves_it_and_runs_exactly_once() -> Result {
    let scene = Scene::new().await?;
    scene.bash().await?;
    let mark = Mark::new(&scene);
    let held = scene.exec(&mark.command())?;
    let review = scene.pending().await?;
    let id = text(&review, "id");
    let whole = scene.bob.get(&format!("/api/reviews/{id}")).await?;
    assert_eq!(text(&whole, "input"), mark.command(), "the reviewer sees what would be run");
    assert_eq!(whole["command"], json!(["bash"]));

    let own = vote(&scene.ann, id, "APPROVED", "").await?;
    assert_eq!(own.status, 403, "{own:?}");
    assert_eq!(mark.count(), 0);
    let sessions = scene.gateway.rest.sessions("connection=bash").await?;
    ensure!(sessions.is_empty(), "a request is no session: {sessions:?}");

    decide(&scene.bob, id, "APPROVED").await?;
    let output = held.wait_with_output().await?;
    let said = said(&output);
    ensure!(output.status.success() && output.stdout == b"done\n", "{said}");
    ensure!(said.contains(id) && said.contains("hoop review approve"), "{said}");
    ensure!(said.contains("waits for a member of leads"), "{said}");
    assert_eq!(mark.count(), 1);
    let session = scene.gateway.rest.only_session("bash").await?;
    scene.gateway.rest.session_done(text(&session, "id")).await?;
    let review = scene.becomes(id, "EXECUTED").await?;
    assert_eq!(text(&review, "session"), text(&session, "id"));

    // The same again is asked for again.
    let again = scene.exec(&mark.command())?;
    let review = scene.pending().await?;
    ensure!(text(&review, "id") != id, "{review}");
    let rejected = vote(&scene.bob, text(&review, "id"), "REJECTED", "once is enough").await?;
    ensure!(rejected.status.is_success(), "{rejected:?}");
    let output = again.wait_with_output().await?;
    assert_eq!(output.status.code(), Some(254));
    let said = super::said(&output);
    ensure!(said.contains(&format!("{BOB} rejected review")), "{said}");
    ensure!(said.contains("once is enough"), "{said}");
    assert_eq!(mark.count(), 1);
    Ok(())
}

#[tokio::test]
async fn an_approval_of_one_command_lets_no_other_run_and_of_two_that_wait_one() -> Result {
    let scene = Scene::new().await?;
    scene.bash().await?;
    let mark = Mark::new(&scene);
    // Both wait for the same request.
    let (one, other) = (scene.exec(&mark.command())?, scene.exec(&mark.command())?);
    let review = scene.pending().await?;
    decide(&scene.bob, text(&review, "id"), "APPROVED").await?;
    let (one, other) = tokio::join!(one.wait_with_output(), other.wait_with_output());
    let codes = [one?.status.code(), other?.status.code()];
    assert!(codes.contains(&Some(0)), "{codes:?}");
    assert!(codes.contains(&Some(254)), "{codes:?}");
    assert_eq!(mark.count(), 1);

    // Who came too late may have asked again on the way out.
    let page = scene.ann.get("/api/reviews?status=PENDING").await?;
    for review in page["data"].as_array().into_iter().flatten() {
        decide(&scene.ann, text(review, "id"), "REJECTED").await?;
    }
    let another = scene.exec("echo something else")?;
    let review = scene.pending().await?;
    decide(&scene.ann, text(&review, "id"), "REJECTED").await?;
    let output = another.wait_with_output().await?;
    ensure!(!output.status.success(), "it ran");
    Ok(())
}

#[tokio::test]
async fn who_waits_does_not_mind_that_the_gateway_restarts() -> Result {
    let mut scene = Scene::new().await?;
    scene.bash().await?;
    let mark = Mark::new(&scene);
    let held = scene.exec(&mark.command())?;
    let id = text(&scene.pending().await?, "id").to_owned();
    scene.gateway.api.kill()?;
    for edge in 0..2 {
        scene.gateway.edge_mut(edge)?.kill()?;
        scene.gateway.edge_mut(edge)?.start()?;
    }
    scene.gateway.api.start()?;
    crate::command_line_admin::make(&scene.person, "plain", &["true"]).await?;
    hoop_testkit::eventually("the agent to be back", async || {
        scene.person.run(&["exec", "plain", "-i", ""]).await
    })
    .await?;
    decide(&scene.bob, &id, "APPROVED").await?;
    let output = held.wait_with_output().await?;
    ensure!(output.status.success(), "{}", said(&output));
    assert_eq!(mark.count(), 1);
    Ok(())
}

#[tokio::test]
async fn reviewers_decide_with_the_hoop_command() -> Result {
    let scene = Scene::new().await?;
    scene.bash().await?;
    let held = scene.exec("echo 'a  b'")?;
    let id = text(&scene.pending().await?, "id").to_owned();
    for list in [&["review", "list", "--status", "pending"][..], &["admin", "get", "reviews"]] {
        let listed = scene.hoop(&scene.bob, list).await?.success()?;
        let row = listed.lines().find(|line| line.contains(&id)).unwrap_or_default();
        for cell in ["onetime", "PENDING", super::ANN, "bash", "0/1"] {
            ensure!(row.contains(cell), "{listed}");
        }
    }
    let shown = scene.hoop(&scene.bob, &["review", "get", &id]).await?.success()?;
    ensure!(shown.contains("| echo 'a  b'") && shown.contains("$ bash"), "{shown}");
    let refused = scene.hoop(&scene.ann, &["review", "approve", &id]).await?.failure()?;
    ensure!(refused.contains("nobody approves their own request"), "{refused}");
    let approved = scene.hoop(&scene.bob, &["review", "approve", &id]).await?;
    approved.success()?;
    ensure!(approved.complaint().contains("is approved until"), "{}", approved.complaint());
    let output = held.wait_with_output().await?;
    ensure!(output.status.success(), "{}", said(&output));
    let late = scene.hoop(&scene.bob, &["review", "reject", &id]).await?.failure()?;
    ensure!(late.contains("can't be rejected"), "{late}");
    Ok(())
}
