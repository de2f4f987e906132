//! Runbooks: what one fills in runs at the target, and nothing else does.

use std::fs;

use anyhow::ensure;
use hoop_testkit::eventually;
use hoop_tests::{
    Gateway, Rest,
    gateway::{AGENT, Options},
    rest::{Answer, text},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::Result;

const CUSTOMER: &str = "select name from customers where name = {{ .name | required \"whose\" | \
                        squote }} or id = {{ .id | type \"number\" | default \"-1\" }};";

async fn exec(rest: &Rest, connection: &str, body: Value) -> Result<Answer> {
    let path = format!("/api/plugins/runbooks/connections/{connection}/exec");
    rest.send(Method::POST, &path, body).await
}

fn customer(name: &str, id: &str) -> Value {
    json!({ "file_name": "team/customer.runbook.sql", "parameters": { "name": name, "id": id } })
}

#[tokio::test]
async fn people_run_what_was_written_for_them_and_nothing_else() -> Result {
    let folder = tempfile::tempdir()?;
    fs::create_dir(folder.path().join("team"))?;
    fs::write(folder.path().join("team/customer.runbook.sql"), CUSTOMER)?;
    fs::write(folder.path().join("greet.runbook.sh"), "echo {{ .whom | squote }}\n")?;
    let path = folder.path().display().to_string();
    let gateway = Gateway::start(Options::default().with("api", "RUNBOOKS_PATH", path)).await?;
    let ann = gateway.rest.user_create("ann@example.com", &["dba"]).await?;
    gateway.open_to("shared", &["dba"]).await?;
    let more = json!({ "command": ["bash"], "subtype": "command-line", "groups": ["dba"] });
    gateway.rest.connection_create_with("shell", "custom", AGENT, &[], more).await?;
    let change = json!({ "name": "shared", "type": "postgres", "agent_id": AGENT,
        "access_groups": ["dba"], "access_mode_exec": "disabled",
        "access_mode_connect": "disabled" });
    let changed = gateway.rest.send(Method::PUT, "/api/connections/shared", change).await?;
    ensure!(changed.status.is_success(), "{changed:?}");
    let on = json!({ "name": "runbooks",
        "connections": [{ "name": "shared", "config": ["team"] }, { "name": "shell" }] });
    gateway.rest.post("/api/plugins", on).await?;

    let listed = ann.get("/api/plugins/runbooks/connections/shared/templates").await?;
    ensure!(listed["items"][0]["name"] == "team/customer.runbook.sql", "{listed}");
    let ran = exec(&ann, "shared", customer("Grace Hopper", "")).await?;
    ensure!(ran.status == 200 && ran.body["output_status"] == "success", "{ran:?}");
    ensure!(text(&ran.body, "output").contains("Grace Hopper"), "{ran:?}");
    let hostile = "' or true; drop table customers; --";
    let ran = exec(&ann, "shared", customer(hostile, "")).await?;
    ensure!(ran.status == 200 && ran.body["output_status"] == "success", "{ran:?}");
    ensure!(!text(&ran.body, "output").contains("Hopper"), "{ran:?}");
    let by_id = exec(&ann, "shared", customer("x", "2")).await?;
    ensure!(text(&by_id.body, "output").contains("Grace Hopper"), "the table is there: {by_id:?}");

    let plain = json!({ "connection": "shared", "script": "select 1" });
    let refused = ann.send(Method::POST, "/api/sessions", plain).await?;
    ensure!(refused.status == 403, "exec is disabled: {refused:?}");
    let greeting = json!({ "file_name": "greet.runbook.sh",
        "parameters": { "whom": "'; id; echo $(id) \\" } });
    let greeted = exec(&ann, "shell", greeting).await?;
    ensure!(greeted.body["output"] == "'; id; echo $(id) \\\n", "{greeted:?}");

    let session = text(&ran.body, "session_id").to_owned();
    eventually("the session to be over", async || {
        let session = ann.get(&format!("/api/sessions/{session}")).await?;
        ensure!(text(&session, "status") == "done", "{session}");
        ensure!(session["runbook"] == "team/customer.runbook.sql", "{session}");
        ensure!(session["verb"] == "exec" && session["exit_code"] == 0, "{session}");
        Ok(())
    })
    .await
}
