//! Runbooks: who may use them where, what each asks for, and what is made of one.

use std::fs;

use hoop_domain::{ConnectionId, InputHash};
use hoop_proto::v1::{self, authorize_reply::Outcome, authorize_request::Proof};
use http::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    authorize::{authorize, request},
    world::{Answer, World, pg_body},
};
use crate::runbook::ticket;

const LIST: &str = "/api/plugins/runbooks/connections/pg/templates";
const RUN: &str = "/api/plugins/runbooks/connections/pg/exec";

/// A folder with these files, and an `api` that knows it.
async fn with(files: &[(&str, &str)]) -> (World, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let world = World::with(&[("RUNBOOKS_PATH", folder.path().to_str().unwrap())]).await;
    world.pg().await;
    (world, folder)
}

/// Enables runbooks for the connection `pg`, in these folders.
async fn enable(world: &World, folders: &Value) {
    let body = json!({ "name": "runbooks", "connections": [{ "name": "pg", "config": folders }] });
    let made = world.post(&world.root().await, "/api/plugins", body).await;
    assert_eq!(made.status, 201, "{made:?}");
}

/// Switches access modes of the connection `pg`.
async fn modes(world: &World, exec: &str, runbooks: &str) {
    let mut body = pg_body("pg");
    (body["access_mode_exec"], body["access_mode_runbooks"]) = (json!(exec), json!(runbooks));
    let changed = world.put(&world.root().await, "/api/connections/pg", body).await;
    assert_eq!(changed.status, 200, "{changed:?}");
}

async fn run(world: &World, token: &str, body: Value) -> Answer {
    world.post(token, RUN, body).await
}

#[tokio::test]
async fn runbooks_are_for_those_who_see_a_connection_that_they_are_enabled_for() {
    let (world, _folder) = with(&[("a.runbook.sql", "select 1")]).await;
    let (dba, dev) =
        (world.user("a@example.com", &["dba"]).await, world.user("b@example.com", &["dev"]).await);
    let routes = async |token: &str| {
        let body = json!({ "file_name": "no.runbook.sql" });
        [world.get(token, LIST).await, world.call(Method::POST, token, RUN, body).await]
    };
    for answer in routes(&dev).await {
        answer.is_problem(404, "there is no such connection");
    }
    for answer in routes(&dba).await {
        let why = "the plugin runbooks is not enabled for pg; an administrator does that";
        answer.is_problem(403, why);
    }
    enable(&world, &json!([])).await;
    modes(&world, "enabled", "disabled").await;
    for answer in routes(&dba).await {
        let why = "runbooks are disabled for pg; its access_mode_runbooks says so";
        answer.is_problem(403, why);
    }
    for answer in routes(&dev).await {
        answer.is_problem(404, "there is no such connection");
    }
    modes(&world, "disabled", "enabled").await;
    let [listed, ran] = routes(&dba).await;
    assert_eq!(listed.body["items"][0]["name"], "a.runbook.sql", "{listed:?}");
    ran.is_problem(404, "there is no such runbook");
}

#[tokio::test]
async fn without_a_folder_there_are_none_and_it_is_said_what_to_do() {
    let world = World::new().await;
    world.pg().await;
    enable(&world, &json!([])).await;
    let dba = world.user("a@example.com", &["dba"]).await;
    let empty = json!({
        "items": [], "errors": [], "commit": "", "commit_author": "", "commit_message": "",
    });
    assert_eq!(world.get(&dba, LIST).await.body, empty);
    let refused = run(&world, &dba, json!({ "file_name": "a.runbook.sql" })).await;
    assert_eq!(refused.status, 404);
    let why = refused.body["message"].as_str().unwrap();
    assert!(why.starts_with("no repository is set up for runbooks"), "{why}");
    assert!(why.contains("RUNBOOKS_PATH"), "{why}");
}

#[tokio::test]
async fn each_runbook_is_listed_with_what_it_asks_for_or_with_what_is_wrong() {
    let (world, _folder) = with(&[
        (
            "team/a.runbook.sql",
            "select {{ .id | description \"which\" | type \"number\" | required \"an id\" \
             | order 1 | placeholder \"42\" }} {{ .state | options \"on\" \"off\" | default \"on\" }}",
        ),
        ("team/broken.runbook.sql", "one\n{{ if .x }}"),
        ("other/b.runbook.sql", "select 1"),
        ("team/readme.md", "no runbook"),
    ])
    .await;
    enable(&world, &json!(["team"])).await;
    let dba = world.user("a@example.com", &["dba"]).await;
    let listed = world.get(&dba, LIST).await;
    let (id, state) = (
        json!({ "description": "which", "required": true, "type": "number", "default": "",
            "placeholder": "42", "options": [], "order": 1, "asenv": "" }),
        json!({ "description": "", "required": false, "type": "select", "default": "on",
            "placeholder": "", "options": ["on", "off"], "order": null, "asenv": "" }),
    );
    let why = "line 2: only {{ .name | function … }} is understood";
    let items = json!([
        { "name": "team/a.runbook.sql", "metadata": { "id": id, "state": state },
            "connections": ["pg"], "error": null },
        { "name": "team/broken.runbook.sql", "metadata": {}, "connections": ["pg"], "error": why },
    ]);
    assert_eq!(listed.body["items"], items, "{listed:?}");
    assert_eq!(listed.body["errors"], json!([]));
    let elsewhere = run(&world, &dba, json!({ "file_name": "other/b.runbook.sql" })).await;
    elsewhere.is_problem(404, "there is no such runbook");
    let broken = run(&world, &dba, json!({ "file_name": "team/broken.runbook.sql" })).await;
    broken.is_problem(409, &format!("team/broken.runbook.sql: {why}"));
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_its_field_and_values_are_in_no_log() {
    let text = "select {{ .id | type \"number\" | required \"an id\" }}, {{ .x }}";
    let (world, _folder) = with(&[("a.runbook.sql", text)]).await;
    enable(&world, &json!([])).await;
    let dba = world.user("a@example.com", &["dba"]).await;
    let ask = |more: Value| {
        let mut body = json!({ "file_name": "a.runbook.sql", "parameters": { "id": "1" } });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for (more, field) in [
        (json!({ "parameters": null }), "parameters.id"),
        (json!({ "parameters": { "id": "canary" } }), "parameters.id"),
        (json!({ "parameters": { "id": "1", "y": "canary" } }), "parameters.y"),
        (json!({ "parameters": { "id": "1", "x": "a\0b" } }), "parameters.x"),
        (json!({ "parameters": { "id": "1", "x": "x".repeat(300_000) } }), "parameters"),
        (json!({ "client_args": ["-c", "drop table customers"] }), "client_args"),
        (json!({ "env_vars": { "PGOPTIONS": "canary" } }), "env_vars"),
        (json!({ "ref_hash": "abc" }), "ref_hash"),
        (json!({ "wait_seconds": 51 }), "wait_seconds"),
        (json!({ "script": "drop table customers" }), "script"),
    ] {
        let refused = run(&world, &dba, ask(more)).await;
        let got = (refused.status.as_u16(), refused.body["field"].as_str());
        assert_eq!(got, (422, Some(field)), "{refused:?}");
    }
    for name in ["../outside.runbook.sql", "/etc/passwd", "./a.runbook.sql", ""] {
        let refused = run(&world, &dba, ask(json!({ "file_name": name }))).await;
        refused.is_problem(404, "there is no such runbook");
    }
    let kept = world.sql("select * from audit_log").await;
    assert!(kept.contains("a.runbook.sql") && !kept.contains("canary"), "{kept}");
}

/// A question of an edge, for `select 1` made of a runbook.
fn asked(token: &str, ticket: bytes::Bytes, input: &str) -> v1::AuthorizeRequest {
    v1::AuthorizeRequest {
        protocol: String::new(),
        verb: "exec".into(),
        exec: Some(v1::ExecInput { arguments: Vec::new(), input: input.to_owned().into() }),
        runbook: ticket,
        ..request(Proof::BearerToken(token.into()))
    }
}

#[tokio::test]
async fn a_session_of_a_runbook_is_let_in_by_its_own_mode_and_for_its_own_input() {
    let (world, _folder) = with(&[]).await;
    enable(&world, &json!([])).await;
    modes(&world, "disabled", "enabled").await;
    let (dba, other) =
        (world.user("a@example.com", &["dba"]).await, world.user("b@example.com", &["dba"]).await);
    let connection: ConnectionId = {
        let shown = world.get(&dba, "/api/connections/pg").await.body;
        shown["id"].as_str().unwrap().parse().unwrap()
    };
    let user = world.app.org.user_fetch("a@example.com").await.unwrap().id;
    let input = InputHash::of(&[], &[], b"select 1");
    let purpose = ticket::Purpose { user, connection, input };
    let now = world.app.now();
    let ticket = ticket::issue(world.app.secrets(), "a.runbook.sql", purpose, now).unwrap();
    let refusal = async |asked: v1::AuthorizeRequest| match authorize(&world, &asked).await {
        Outcome::Denial(denial) => denial.code,
        Outcome::Grant(grant) => panic!("granted: {grant:?}"),
    };

    let good = asked(&dba, ticket.clone(), "select 1");
    let Outcome::Grant(grant) = authorize(&world, &good).await else { panic!("refused") };
    assert_eq!(grant.approved, good.exec, "the edge lets nothing else in");
    let shown = world.get(&dba, "/api/sessions").await.body["data"][0].clone();
    assert_eq!((&shown["verb"], &shown["runbook"]), (&json!("exec"), &json!("a.runbook.sql")));

    assert_eq!(refusal(asked(&dba, bytes::Bytes::new(), "select 1")).await, "mode_disabled");
    for wrong in [
        asked(&dba, ticket.clone(), "select 2"),
        asked(&other, ticket.clone(), "select 1"),
        asked(&dba, "made up".into(), "select 1"),
        v1::AuthorizeRequest { exec: None, ..good.clone() },
        v1::AuthorizeRequest { verb: "connect".into(), ..good.clone() },
    ] {
        assert_eq!(refusal(wrong).await, "malformed");
    }
    modes(&world, "enabled", "disabled").await;
    assert_eq!(refusal(good.clone()).await, "mode_disabled");
    modes(&world, "enabled", "enabled").await;
    let off = json!({ "name": "runbooks", "connections": [] });
    let root = world.root().await;
    assert_eq!(world.put(&root, "/api/plugins/runbooks", off).await.status, 200);
    assert_eq!(refusal(good).await, "mode_disabled", "the plugin is not enabled");
}
