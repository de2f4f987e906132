//! What a connection may be used for, however it is tried.

use anyhow::ensure;
use hoop_domain::{DenialCode, EndReason};
use hoop_tests::{gateway::AGENT, rest::text};
use reqwest::Method;
use serde_json::json;

use super::Scene;
use crate::{
    Result,
    ending::{complaint, not_running, sleeper},
};

#[tokio::test]
async fn a_mode_that_is_disabled_is_refused_everywhere_and_ends_what_runs() -> Result {
    let scene = Scene::new().await?;
    scene.shared().await?;
    let access = scene.gateway.through(scene.ann.credential_create("shared", 600).await?, 1)?;
    let exec = ["exec", "shared", "-i", "select 5"];
    let hoop = async |arguments: &[&str]| scene.hoop(&scene.ann, arguments).await;
    ensure!(hoop(&exec).await?.success()?.contains('5'), "exec is enabled");
    let psql = sleeper(&scene.gateway, &access).await?;

    // As an administrator does it, with the command.
    let create = ["admin", "create", "connection", "shared", "-a", AGENT, "-t", "postgres"];
    let exec_only = ["--overwrite", "--access-modes", "exec"];
    scene.person.run(&[&create[..], &exec_only].concat()).await?;
    let told = complaint(psql).await?;
    ensure!(told.contains(EndReason::AccessRevoked.message()), "{told}");
    not_running(&scene.gateway, "pg_sleep").await?;
    let refused = access.query("select 1").await?.failure()?;
    ensure!(refused.contains(DenialCode::ModeDisabled.message()), "{refused}");
    let refused = hoop(&["connect", "shared", "--port", "0"]).await?.failure()?;
    ensure!(refused.contains("connect is disabled"), "{refused}");
    ensure!(hoop(&exec).await?.success()?.contains('5'), "exec still is enabled");

    // What a change leaves out stays disabled.
    let others = json!({
        "access_mode_connect": "enabled", "access_mode_exec": "disabled",
        "access_mode_runbooks": "enabled",
    });
    scene.change_shared(others).await?;
    let refused = hoop(&exec).await?.failure()?;
    ensure!(refused.contains(DenialCode::ModeDisabled.message()), "{refused}");
    assert_eq!(access.answer("select 6").await?, "6", "connect is enabled again");
    let path = "/api/connections/shared";
    let shown = scene.gateway.rest.send(Method::GET, path, serde_json::Value::Null).await?.body;
    let modes = ["connect", "exec", "runbooks"].map(|mode| format!("access_mode_{mode}"));
    let modes = modes.map(|mode| text(&shown, &mode).to_owned());
    assert_eq!(modes, ["enabled", "disabled", "enabled"]);
    Ok(())
}
