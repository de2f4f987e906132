//! Sessions that do not say good-bye properly.

use std::time::Duration;

use anyhow::{Result, ensure};
use hoop_domain::{Direction, EndReason};

use crate::scene::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn a_session_whose_target_says_nothing_more_is_finished() -> Result<()> {
    let mut scene = Scene::new().await?;
    scene.limits.outward_grace = Duration::from_millis(300);
    let _writer = scene.writer().await?;
    let mut edge = scene.session().await?;
    edge.start(&scene.bus).await?;
    edge.talk(&scene.bus, 2, 50).await?;
    edge.end(&scene.bus, Direction::In, EndReason::AgentLost).await?;
    let manifest = scene.expect_whole(&edge).await?;
    ensure!(manifest.reason == EndReason::AgentLost);
    ensure!(scene.row(edge.session).await? == "done agent_lost");
    scene.expect_drained().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abandoned_session_is_finished_when_its_row_is_closed() -> Result<()> {
    let mut scene = Scene::new().await?;
    scene.limits.abandoned_after = Duration::from_millis(300);
    let _writer = scene.writer().await?;
    let mut edge = scene.session().await?;
    edge.start(&scene.bus).await?;
    edge.talk(&scene.bus, 2, 50).await?;
    let session = edge.session;
    scene
        .sql(&format!(
            "update sessions set state = 'done', closed_at = now(), end_reason = 'edge_lost',
               end_message = 'gone' where id = '{session}'"
        ))
        .await?;
    let manifest = scene.expect_whole(&edge).await?;
    ensure!(manifest.reason == EndReason::EdgeLost);
    ensure!(scene.row(session).await? == "done edge_lost");
    scene.expect_drained().await
}

#[tokio::test(flavor = "multi_thread")]
async fn abandoned_sessions_are_marked_with_why_they_ended_whatever_that_is() -> Result<()> {
    let mut scene = Scene::new().await?;
    scene.limits.abandoned_after = Duration::from_millis(300);
    let _writer = scene.writer().await?;
    let mut abandoned = Vec::new();
    for reason in EndReason::ALL {
        let mut edge = scene.session().await?;
        edge.start(&scene.bus).await?;
        edge.talk(&scene.bus, 1, 50).await?;
        let session = edge.session;
        let message = reason.message().replace('\'', "''");
        scene
            .sql(&format!(
                "update sessions set state = 'done', closed_at = now(), end_reason = '{reason}',
                   end_message = '{message}' where id = '{session}'",
                reason = reason.as_str()
            ))
            .await?;
        abandoned.push((*reason, edge));
    }
    for (reason, edge) in &abandoned {
        let manifest = scene.expect_whole(edge).await?;
        ensure!(manifest.reason == *reason, "{:?} and not {reason:?}", manifest.reason);
        ensure!(scene.row(edge.session).await? == format!("done {}", reason.as_str()));
    }
    scene.expect_drained().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_has_no_row_is_finished_too() -> Result<()> {
    let mut scene = Scene::new().await?;
    scene.limits.abandoned_after = Duration::from_millis(300);
    let _writer = scene.writer().await?;
    let mut edge = crate::edge::Edge::new(scene.org().await?);
    edge.start(&scene.bus).await?;
    let manifest = scene.expect_whole(&edge).await?;
    ensure!((manifest.org, manifest.reason) == (edge.org, EndReason::EdgeLost));
    scene.expect_drained().await
}
