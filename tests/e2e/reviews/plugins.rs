//! Plugins: what is switched on for a connection decides about who comes and who is there.

use anyhow::ensure;
use hoop_domain::{DenialCode, EndReason};
use hoop_tests::rest::text;
use serde_json::json;

use super::{Scene, decide};
use crate::{
    Result,
    ending::{complaint, not_running, sleeper},
};

#[tokio::test]
async fn a_plugin_that_is_switched_on_decides_about_psql_and_ends_what_it_would_refuse() -> Result {
    let scene = Scene::new().await?;
    scene.shared().await?;
    let plugin = ["admin", "create", "plugin"];
    let plugin = async |more: &[&str]| scene.person.run(&[&plugin[..], more].concat()).await;
    let access = scene.gateway.through(scene.ann.credential_create("shared", 600).await?, 1)?;
    access.answer("select 1").await?;

    plugin(&["review", "-c", "shared:leads"]).await?;
    let refused = access.query("select 1").await?.failure()?;
    let review = scene.pending().await?;
    ensure!(refused.contains(text(&review, "id")), "{refused}");
    decide(&scene.bob, text(&review, "id"), "APPROVED").await?;
    assert_eq!(access.answer("select 2").await?, "2");

    let psql = sleeper(&scene.gateway, &access).await?;
    plugin(&["access_control", "-c", "shared:oncall,nobody"]).await?;
    let told = complaint(psql).await?;
    ensure!(told.contains(EndReason::AccessRevoked.message()), "{told}");
    not_running(&scene.gateway, "pg_sleep").await?;
    let refused = access.query("select 1").await?.failure()?;
    ensure!(refused.contains(DenialCode::ConnectionNotFound.message()), "{refused}");

    let listed = scene.person.run(&["admin", "get", "plugins"]).await?;
    for name in ["review", "access_control"] {
        let row = listed.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        ensure!(row.contains("shared"), "{listed}");
    }
    plugin(&["access_control", "--overwrite", "--no-connections"]).await?;
    assert_eq!(access.answer("select 3").await?, "3", "the approval still holds");
    plugin(&["slack", "--config", "SLACK_BOT_TOKEN=hunter2"]).await?;
    let shown = scene.person.run(&["admin", "get", "plugins", "slack", "-o", "json"]).await?;
    ensure!(shown.contains("REDACTED") && !shown.contains("hunter2"), "{shown}");
    // Settings take the place of those before.
    plugin(&["slack", "--overwrite", "--config", "SLACK_APP_TOKEN=hunter3"]).await?;
    let shown = scene.gateway.rest.get("/api/plugins/slack").await?;
    let settings = json!({ "SLACK_APP_TOKEN": "REDACTED" });
    ensure!(shown["config"]["envvars"] == settings, "{shown}");
    Ok(())
}
