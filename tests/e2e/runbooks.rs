//! Runbooks: what one fills in runs at the target, and nothing else does.

use std::{fs, path::Path};

use anyhow::ensure;
use hoop_testkit::eventually;
use hoop_tests::{
    Gateway, Psql, Rest,
    cli::Person,
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

/// Greets somebody, and ends with a code.
const GREET: &str = "echo hello {{ .whom | description \"who is there\" | required \"whom to greet\" | squote }}; \
                     exit {{ .code | type \"number\" | default \"0\" }}\n";

/// A gateway with the runbook `greet.runbook.sh` for the connections `shell` and `held`, of which
/// `leads` approve what runs on the second; somebody in group `dba`, and a lead.
async fn greeting(folder: &Path) -> Result<(Gateway, Rest, Rest)> {
    fs::write(folder.join("greet.runbook.sh"), GREET)?;
    let path = folder.display().to_string();
    let gateway = Gateway::start(Options::default().with("api", "RUNBOOKS_PATH", path)).await?;
    let ann = gateway.rest.user_create("ann@example.com", &["dba"]).await?;
    let bob = gateway.rest.user_create("bob@example.com", &["dba", "leads"]).await?;
    for (name, reviewers) in [("shell", json!([])), ("held", json!(["leads"]))] {
        let more = json!({ "command": ["bash"], "subtype": "command-line", "groups": ["dba"],
            "reviewers": reviewers });
        gateway.rest.connection_create_with(name, "custom", AGENT, &[], more).await?;
    }
    let on =
        json!({ "name": "runbooks", "connections": [{ "name": "shell" }, { "name": "held" }] });
    gateway.rest.post("/api/plugins", on).await?;
    Ok((gateway, ann, bob))
}

#[tokio::test]
async fn the_command_line_lists_runbooks_and_ends_as_they_do() -> Result {
    let folder = tempfile::tempdir()?;
    let (gateway, ann, _) = greeting(folder.path()).await?;
    let person = Person::signed_in(&gateway).await?;
    let hoop = async |words: &[&str]| -> Result<Psql> {
        let words = [&["runbooks"][..], words].concat();
        Ok(Psql(person.hoop_as(&ann, &words)?.output().await?))
    };
    let shown = hoop(&["list", "shell"]).await?.success()?;
    for word in ["greet.runbook.sh", "whom", "who is there", "yes", "code", "number"] {
        ensure!(shown.contains(word), "{word} is not in {shown}");
    }
    let listed: Value =
        serde_json::from_str(&hoop(&["list", "shell", "-o", "json"]).await?.success()?)?;
    ensure!(listed["items"][0]["metadata"]["whom"]["required"] == true, "{listed}");

    let run = ["run", "shell", "greet.runbook.sh", "-p", "whom=Ann's"];
    let ran = hoop(&run).await?;
    assert_eq!(ran.success()?, "hello Ann's");
    // However late it ends, its output and its exit code are the same.
    for wait in [vec![], vec!["--wait"]] {
        let ran = hoop(&[&run[..], &["-p", "code=3"], &wait[..]].concat()).await?;
        assert_eq!(ran.0.status.code(), Some(3), "{}", ran.complaint());
        assert_eq!(ran.0.stdout, b"hello Ann's\n", "{wait:?}");
    }
    let ran = hoop(&[&run[..], &["-p", "code=3", "--wait", "-o", "json"]].concat()).await?;
    let answer: Value = serde_json::from_slice(&ran.0.stdout)?;
    ensure!(answer["exit_code"] == 3 && answer["output"] == "hello Ann's\n", "{answer}");
    ensure!(answer["output_status"] == "failed", "{answer}");

    for (words, said) in [
        ("run shell greet.runbook.sh", "whom to greet"),
        ("run shell nothing.runbook.sh", "`hoop runbooks list shell`"),
        ("run nothing greet.runbook.sh", "there is no such connection"),
        ("run shell greet.runbook.sh -p whom=a -p whom=b", "given twice"),
    ] {
        let refused = hoop(&words.split(' ').collect::<Vec<_>>()).await?;
        assert_eq!(refused.0.status.code(), Some(254), "{words:?}: {}", refused.complaint());
        ensure!(refused.complaint().contains(said), "{words:?}: {}", refused.complaint());
    }
    Ok(())
}

#[tokio::test]
async fn the_command_line_waits_for_the_approval_of_a_runbook_and_runs_it_once() -> Result {
    let folder = tempfile::tempdir()?;
    let (gateway, ann, bob) = greeting(folder.path()).await?;
    let person = Person::signed_in(&gateway).await?;
    let run = ["runbooks", "run", "held", "greet.runbook.sh", "-p", "whom=Ann", "-p", "code=3"];
    let held = person.hoop_as(&ann, &run)?.spawn()?;
    let review = eventually("a request that waits", async || {
        let page = ann.get("/api/reviews?status=PENDING").await?;
        let id = text(&page["data"][0], "id").to_owned();
        ensure!(!id.is_empty(), "{page}");
        Ok(id)
    })
    .await?;
    ensure!(gateway.rest.sessions("connection=held").await?.is_empty(), "it waits");
    let approved = json!({ "status": "APPROVED" });
    let approved = bob.send(Method::PUT, &format!("/api/reviews/{review}"), approved).await?;
    ensure!(approved.status.is_success(), "{approved:?}");
    let ran = Psql(held.wait_with_output().await?);
    assert_eq!(ran.0.status.code(), Some(3), "{}", ran.complaint());
    assert_eq!(ran.0.stdout, b"hello Ann\n");
    ensure!(ran.complaint().contains(&review), "{}", ran.complaint());
    let session = gateway.rest.only_session("held").await?;
    let session = gateway.rest.get(&format!("/api/sessions/{}", text(&session, "id"))).await?;
    ensure!(session["runbook"] == "greet.runbook.sh", "{session}");
    Ok(())
}
