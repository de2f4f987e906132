//! Sessions that are opened over REST: commands with their output, and tests of connections.

use anyhow::{Context, ensure};
use hoop_testkit::eventually;
use hoop_tests::{
    Answer, Browser, Gateway, Rest, Target,
    gateway::{ADMIN, AGENT, CONNECTION},
    rest::text,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::Result;

async fn run(rest: &Rest, body: Value) -> Result<Answer> {
    rest.send(Method::POST, "/api/sessions", body).await
}

/// Tests the connection `name`.
async fn test(rest: &Rest, name: &str) -> Result<Answer> {
    rest.send(Method::POST, &format!("/api/connections/{name}/test"), Value::Null).await
}

/// A connection that runs `bash`, with `command` in its place.
async fn bash(gateway: &Gateway, name: &str, command: &[&str]) -> Result {
    let more = json!({ "command": command, "subtype": "command-line" });
    gateway.rest.connection_create_with(name, "custom", AGENT, &[], more).await?;
    Ok(())
}

/// A connection to PostgreSQL at this port with this password.
async fn postgres(gateway: &Gateway, name: &str, port: u16, password: &str) -> Result {
    let port = port.to_string();
    let secret = [
        ("HOST", "127.0.0.1"),
        ("PORT", port.as_str()),
        ("USER", gateway.target.role.as_str()),
        ("PASS", password),
        ("DB", gateway.target.database.as_str()),
        ("SSLMODE", "disable"),
    ];
    gateway.rest.connection_create(name, "postgres", AGENT, &secret, &[]).await?;
    Ok(())
}

/// Waits until the session is over; how it ended.
async fn over(gateway: &Gateway, id: &str) -> Result<Value> {
    eventually("the session to be over", async || {
        let session = gateway.rest.get(&format!("/api/sessions/{id}")).await?;
        ensure!(text(&session, "status") == "done", "{session}");
        Ok(session)
    })
    .await
}

#[tokio::test]
async fn a_script_runs_and_what_it_prints_is_the_answer() -> Result {
    let gateway = Gateway::usual().await?;
    let script = "select name from customers where id = 2;";
    let said = json!({ "team": "a" });
    let body = json!({ "connection": CONNECTION, "script": script, "labels": said });
    let answer = run(&gateway.rest, body).await?;
    ensure!(answer.status == 200 && answer.body["output_status"] == "success", "{answer:?}");
    ensure!(answer.body["exit_code"] == 0 && answer.body["truncated"] == false, "{answer:?}");
    ensure!(text(&answer.body, "output").contains("Grace Hopper"), "{answer:?}");
    let session = over(&gateway, text(&answer.body, "session_id")).await?;
    ensure!(session["verb"] == "exec" && session["user"] == ADMIN, "{session}");
    ensure!(session["labels"] == said && session["metadata"] == json!({}), "{session}");

    let wrong = json!({ "connection": CONNECTION, "script": "select nonsense;" });
    let answer = run(&gateway.rest, wrong).await?;
    ensure!(answer.status == 200 && answer.body["output_status"] == "failed", "{answer:?}");
    ensure!(answer.body["exit_code"] != 0, "{answer:?}");
    ensure!(text(&answer.body, "output").contains("nonsense"), "{answer:?}");
    Ok(())
}

#[tokio::test]
async fn what_takes_longer_goes_on_and_can_be_ended() -> Result {
    let gateway = Gateway::usual().await?;
    bash(&gateway, "shell", &["bash"]).await?;
    let arguments = json!({ "connection": "shell", "client_args": ["-c", "echo $0 $1", "a", "b"] });
    let answer = run(&gateway.rest, arguments).await?;
    ensure!(answer.body["output"] == "a b\n", "{answer:?}");
    let long =
        json!({ "connection": "shell", "script": "echo begun; sleep 600", "wait_seconds": 0 });
    let answer = run(&gateway.rest, long).await?;
    ensure!(answer.status == 202 && answer.body["output_status"] == "running", "{answer:?}");
    ensure!(answer.body["exit_code"].is_null(), "{answer:?}");
    let id = text(&answer.body, "session_id").to_owned();
    gateway.rest.post(&format!("/api/sessions/{id}/kill"), json!({})).await?;
    let session = over(&gateway, &id).await?;
    ensure!(session["end_reason"] == "killed", "{session}");
    Ok(())
}

#[tokio::test]
async fn who_may_not_open_a_session_may_not_over_rest_either() -> Result {
    let gateway = Gateway::usual().await?;
    gateway.rest.post("/api/users/groups", json!({ "name": "others" })).await?;
    let user = json!({ "email": "ann@example.com", "password": "battery staple",
        "groups": ["others"] });
    gateway.rest.post("/api/users", user).await?;
    let ann = gateway.rest.login("ann@example.com", "battery staple").await?;
    for name in [CONNECTION, "nothing"] {
        let answer = run(&ann, json!({ "connection": name, "script": "select 1" })).await?;
        ensure!(answer.status == 404, "{name}: {answer:?}");
        let answer = test(&ann, name).await?;
        ensure!(answer.status == 404, "{name}: {answer:?}");
    }
    let secret = [("HOST", "127.0.0.1"), ("PORT", "1")];
    gateway.rest.connection_create("tcp", "tcp", AGENT, &secret, &["others"]).await?;
    let bare = json!({ "connection": "tcp", "script": "x" });
    let answer = run(&ann, bare).await?;
    ensure!(answer.status.is_client_error(), "{answer:?}");

    for (field, body) in [
        ("connection", json!({ "connection": "../pg" })),
        ("wait_seconds", json!({ "connection": CONNECTION, "wait_seconds": 51 })),
        ("client_args", json!({ "connection": CONNECTION, "client_args": ["a\0b"] })),
        ("script", json!({ "connection": CONNECTION, "script": 1 })),
    ] {
        let answer = run(&gateway.rest, body).await?;
        ensure!(answer.status == 422 && answer.body["field"] == field, "{field}: {answer:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_test_says_which_hop_does_not_answer() -> Result {
    let mut gateway = Gateway::usual().await?;
    let port = gateway.target.postgres.port();
    postgres(&gateway, "closed", hoop_testkit::free_port()?, Target::PASSWORD).await?;
    postgres(&gateway, "wrong", port, "not the password").await?;
    let text_of_port = port.to_string();
    let secret = [("HOST", "127.0.0.1"), ("PORT", text_of_port.as_str())];
    gateway.rest.connection_create("tcp", "tcp", AGENT, &secret, &[]).await?;
    for (name, success, reached, code) in [
        (CONNECTION, true, "target", Value::Null),
        ("tcp", true, "target", Value::Null),
        ("closed", false, "agent", json!("target_unreachable")),
        ("wrong", false, "agent", json!("target_login_failed")),
    ] {
        let answer = test(&gateway.rest, name).await?;
        let said = (&answer.body["success"], text(&answer.body, "reached"), &answer.body["code"]);
        ensure!(answer.status == 200, "{name}: {answer:?}");
        ensure!(said == (&json!(success), reached, &code), "{name}: {answer:?}");
        ensure!(!answer.body.to_string().contains(Target::PASSWORD), "{answer:?}");
        // It is a session like any other, and no longer there.
        over(&gateway, text(&answer.body, "session_id")).await?;
    }
    gateway.agents.last_mut().context("no agent")?.stop()?;
    eventually("the agent to be missed", async || {
        let answer = test(&gateway.rest, CONNECTION).await?;
        ensure!(answer.body["success"] == false, "{answer:?}");
        ensure!(answer.body["code"] == "agent_offline", "{answer:?}");
        ensure!(answer.body["reached"] == "gateway", "{answer:?}");
        Ok(())
    })
    .await?;
    let script = json!({ "connection": CONNECTION, "script": "select 1" });
    let answer = run(&gateway.rest, script).await?;
    ensure!(answer.status == 409, "{answer:?}");
    Ok(())
}

#[tokio::test]
async fn a_test_of_a_command_line_runs_nothing() -> Result {
    let gateway = Gateway::usual().await?;
    let folder = tempfile::tempdir()?;
    let mark = folder.path().join("it-ran");
    let mark = mark.to_str().context("no path")?;
    bash(&gateway, "touch", &["touch", mark]).await?;
    let answer = test(&gateway.rest, "touch").await?;
    ensure!(answer.body["success"] == true && answer.body["reached"] == "agent", "{answer:?}");
    over(&gateway, text(&answer.body, "session_id")).await?;
    ensure!(!std::path::Path::new(mark).exists(), "it was run");
    Ok(())
}

#[tokio::test]
async fn a_browser_opens_sessions_with_its_cookie_and_leaves_no_token() -> Result {
    let gateway = Gateway::usual().await?;
    let url = |path: &str| format!("{}{path}", gateway.api_url);
    let mut browser = Browser::new()?;
    let form = browser.open(&url("/api/login?redirect=/api/userinfo")).await?;
    let password = gateway.keys.admin_password.clone();
    let fields = [("email", ADMIN), ("password", password.as_str()), ("redirect", "/api/userinfo")];
    let page = browser.submit(&form.url, "/api/login/form", &fields).await?;
    let cookie = browser.cookies_of(&page.url);
    let rest = gateway.rest.with_token(None).claiming("cookie", &cookie)?;
    let rest = rest.claiming("sec-fetch-site", "same-origin")?;
    let body = json!({ "connection": CONNECTION, "script": "select 6 * 7;" });
    let answer = run(&rest, body).await?;
    ensure!(answer.status == 200 && text(&answer.body, "output").contains("42"), "{answer:?}");
    eventually("the token to be gone", async || {
        let left = gateway.run_on_state("select count(*) from api_tokens where name = 'rest'");
        ensure!(left.await? == "0", "a token is left");
        Ok(())
    })
    .await
}
