//! What older clients call beside the routes that they began with: pages by their number, changes
//! of a few fields, what is said of a session afterwards, and one connection of a plugin.

use anyhow::{Context, ensure};
use hoop_tests::{
    Answer, Gateway, Rest,
    gateway::{AGENT, CONNECTION},
    rest::text,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::Result;

async fn patch(rest: &Rest, path: &str, body: Value) -> Result<Answer> {
    rest.send(Method::PATCH, path, body).await
}

/// Runs something on the usual connection.
async fn run(gateway: &Gateway) -> Result<Answer> {
    let body = json!({ "connection": CONNECTION, "script": "select 1;" });
    gateway.rest.send(Method::POST, "/api/sessions", body).await
}

#[tokio::test]
async fn connections_are_paged_by_number_and_each_is_on_one_page() -> Result {
    let gateway = Gateway::usual().await?;
    let secret = [("HOST", "127.0.0.1"), ("PORT", "1")];
    for name in ["a", "b", "c", "d"] {
        gateway.rest.connection_create(name, "tcp", AGENT, &secret, &[]).await?;
    }
    let mut names = Vec::new();
    for (page, most) in [(1, 3), (2, 2), (3, 0)] {
        let path = format!("/api/connections?page={page}&page_size=3");
        let answer = gateway.rest.get(&path).await?;
        let pages = json!({ "total": 5, "page": page, "size": 3 });
        ensure!(answer["pages"] == pages, "{answer}");
        let rows = answer["data"].as_array().context("no list")?;
        ensure!(rows.len() == most, "{answer}");
        names.extend(rows.iter().map(|row| text(row, "name").to_owned()));
    }
    assert_eq!(names, ["a", "b", "c", "d", CONNECTION]);
    let of_one_type = gateway.rest.get("/api/connections?page=1&type=application").await?;
    ensure!(of_one_type["pages"]["total"] == 4, "{of_one_type}");
    let both = "/api/connections?page=1&cursor=n61";
    let refused = gateway.rest.send(Method::GET, both, Value::Null).await?;
    ensure!(refused.status == 422 && refused.body["field"] == "cursor", "{refused:?}");
    Ok(())
}

#[tokio::test]
async fn a_patch_of_one_field_leaves_a_connection_that_works() -> Result {
    let gateway = Gateway::usual().await?;
    let path = format!("/api/connections/{CONNECTION}");
    let before = gateway.rest.get(&path).await?;
    let off = patch(&gateway.rest, &path, json!({ "access_mode_exec": "disabled" })).await?;
    ensure!(off.status == 200 && off.body["access_mode_exec"] == "disabled", "{off:?}");
    for field in ["name", "agent_id", "secret_names", "access_groups", "access_mode_connect"] {
        ensure!(off.body[field] == before[field], "{field}: {off:?}");
    }
    let refused = run(&gateway).await?;
    ensure!(refused.status.is_client_error(), "{refused:?}");
    let on = patch(&gateway.rest, &path, json!({ "access_mode_exec": "enabled" })).await?;
    ensure!(on.status == 200, "{on:?}");
    let answer = run(&gateway).await?;
    ensure!(answer.body["output_status"] == "success", "it has its secret: {answer:?}");
    let user = gateway.rest.user_create("user@example.com", &["some"]).await?;
    let denied = patch(&user, &path, json!({ "access_groups": ["some"] })).await?;
    ensure!(denied.status == 403, "{denied:?}");
    Ok(())
}

#[tokio::test]
async fn what_is_said_of_a_session_afterwards_is_shown_and_is_no_part_of_its_recording() -> Result {
    let gateway = Gateway::usual().await?;
    let answer = run(&gateway).await?;
    let id = text(&answer.body, "session_id").to_owned();
    gateway.rest.session_done(&id).await?;
    let recorded = async || -> Result<(Vec<u8>, Value)> {
        let mut bytes = Vec::new();
        let download = format!("/api/sessions/{id}/download?format=jsonl");
        gateway.rest.download(&download, |piece| bytes.extend_from_slice(piece)).await?;
        Ok((bytes, gateway.rest.get("/api/audit/manifests").await?))
    };
    let before = recorded().await?;
    let path = format!("/api/sessions/{id}/metadata");
    let said = json!({ "metadata": { "ticket": "OPS-7", "draft": true } });
    let answer = patch(&gateway.rest, &path, said).await?;
    ensure!(answer.status == 200, "{answer:?}");
    let less = patch(&gateway.rest, &path, json!({ "metadata": { "draft": null } })).await?;
    ensure!(less.status == 200, "{less:?}");
    let session = gateway.rest.session(&id).await?;
    ensure!(session["metadata"] == json!({ "ticket": "OPS-7" }), "{session}");
    ensure!(session["recording"] == "finished", "{session}");
    ensure!(recorded().await? == before, "the recording was touched");

    let user = gateway.rest.user_create("user@example.com", &["some"]).await?;
    let auditor = gateway.rest.user_create("auditor@example.com", &["auditor"]).await?;
    for (who, status) in [(&user, 404), (&auditor, 403)] {
        let refused = patch(who, &path, json!({ "metadata": { "a": 1 } })).await?;
        ensure!(refused.status == status, "{refused:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_plugin_is_enabled_for_one_connection_and_disabled_again() -> Result {
    let gateway = Gateway::usual().await?;
    let empty = json!({ "name": "review", "connections": [] });
    gateway.rest.post("/api/plugins", empty).await?;
    let path = format!("/api/plugins/review/conn/{CONNECTION}");
    let body = json!({ "config": ["leads"] });
    let made = gateway.rest.send(Method::PUT, &path, body).await?;
    ensure!(made.status == 200 && made.body["config"] == json!(["leads"]), "{made:?}");
    let held = run(&gateway).await?;
    ensure!(held.status == 202 && held.body["has_review"] == true, "{held:?}");
    gateway.rest.delete(&path).await?;
    let gone = gateway.rest.send(Method::GET, &path, Value::Null).await?;
    ensure!(gone.status == 404, "{gone:?}");
    let answer = run(&gateway).await?;
    ensure!(answer.body["output_status"] == "success", "{answer:?}");
    Ok(())
}
