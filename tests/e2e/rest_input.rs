//! What the REST API is sent that makes no sense, or is none of the sender's business.

use anyhow::ensure;
use hoop_testkit::eventually;
use hoop_tests::{
    Answer, Gateway, Options,
    gateway::{AGENT, CONNECTION},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::Result;

async fn post(gateway: &Gateway, path: &str, body: Value) -> Result<Answer> {
    gateway.rest.send(Method::POST, path, body).await
}

fn connection(name: &str, secret: &Value) -> Value {
    json!({"name": name, "type": "postgres", "agent_id": AGENT, "secret": secret})
}

/// `HOST`, `USER` and `PASS` with the value `x`.
fn secret() -> Value {
    json!({"HOST": "eA==", "USER": "eA==", "PASS": "eA=="})
}

#[tokio::test]
async fn names_that_would_be_paths_are_refused() -> Result {
    let gateway = Gateway::usual().await?;
    for name in ["a/b", "..", "../etc", "a..b", "", "-a", "a b", "a\u{1b}[2J", &"x".repeat(129)] {
        let answer = post(&gateway, "/api/agents", json!({"name": name})).await?;
        assert_eq!(answer.status, 422, "{name:?}: {}", answer.body);
        ensure!(answer.message().contains("name"), "{}", answer.body);
        let answer = post(&gateway, "/api/connections", connection(name, &secret())).await?;
        assert_eq!(answer.status, 422, "{name:?}: {}", answer.body);
    }
    Ok(())
}

#[tokio::test]
async fn a_secret_that_is_not_base64_is_named_and_not_repeated() -> Result {
    let gateway = Gateway::usual().await?;
    let mut given = secret();
    given["PASS"] = json!("not base64!");
    let answer = post(&gateway, "/api/connections", connection("x", &given)).await?;
    assert_eq!(answer.status, 422, "{}", answer.body);
    ensure!(answer.message().contains("PASS"), "{}", answer.body);
    ensure!(!answer.body.to_string().contains("not base64!"), "{}", answer.body);
    Ok(())
}

#[tokio::test]
async fn what_is_missing_or_unknown_is_named() -> Result {
    let gateway = Gateway::usual().await?;
    let missing = json!({"HOST": "eA==", "USER": "eA=="});
    let answer = post(&gateway, "/api/connections", connection("x", &missing)).await?;
    assert_eq!(answer.status, 422, "{}", answer.body);
    ensure!(answer.message().contains("PASS"), "{}", answer.body);
    let answer = post(&gateway, "/api/agents", json!({"name": "x", "colour": "red"})).await?;
    ensure!(
        answer.status.is_client_error() && answer.message().contains("colour"),
        "{}",
        answer.body
    );
    let body = json!({"name": "x", "type": "oracle9", "agent_id": AGENT, "secret": secret()});
    let answer = post(&gateway, "/api/connections", body).await?;
    ensure!(answer.status == 422 && answer.message().contains("oracle9"), "{}", answer.body);
    let body = json!({"name": "x", "type": "postgres", "agent_id": "nobody", "secret": secret()});
    let answer = post(&gateway, "/api/connections", body).await?;
    ensure!(
        answer.status.is_client_error() && answer.message().contains("agent"),
        "{}",
        answer.body
    );
    Ok(())
}

#[tokio::test]
async fn a_secret_is_never_shown_again() -> Result {
    let gateway = Gateway::usual().await?;
    let shown = gateway.rest.get(&format!("/api/connections/{CONNECTION}")).await?;
    for value in ["czNjcmV0LXRhcmdldA==", "s3cret-target"] {
        ensure!(!shown.to_string().contains(value), "{shown}");
    }
    let agent = gateway.rest.agent(AGENT).await?;
    ensure!(!agent.to_string().contains("xagt-"), "{agent}");
    Ok(())
}

#[tokio::test]
async fn nobody_is_let_in_without_a_token_and_users_stay_users() -> Result {
    let gateway = Gateway::usual().await?;
    let user = gateway.rest.user_create("user@example.com", &["some"]).await?;
    let nobody = gateway.rest.with_token(None);
    let liar = gateway.rest.with_token(Some("hpl_made-up"));
    for (method, path, body) in [
        (Method::POST, "/api/agents", json!({"name": "x"})),
        (Method::DELETE, "/api/agents/agent", Value::Null),
        (Method::POST, "/api/connections", connection("x", &secret())),
        (Method::DELETE, "/api/connections/pg", Value::Null),
        (Method::POST, "/api/users", json!({"email": "x@example.com"})),
    ] {
        for stranger in [&nobody, &liar] {
            let answer = stranger.send(method.clone(), path, body.clone()).await?;
            assert_eq!(answer.status, 401, "{method} {path}: {}", answer.body);
        }
        let answer = user.send(method.clone(), path, body).await?;
        assert_eq!(answer.status, 403, "{method} {path}: {}", answer.body);
    }
    Ok(())
}

#[tokio::test]
async fn a_wrong_login_does_not_say_what_was_wrong() -> Result {
    let gateway = Gateway::start_without_agent(Options::default()).await?;
    let mut sentences = Vec::new();
    for email in [hoop_tests::gateway::ADMIN, "nobody@example.com"] {
        let body = json!({"email": email, "password": "wrong-password"});
        let answer = post(&gateway, "/api/login", body).await?;
        assert_eq!(answer.status, 401);
        sentences.push(answer.message().to_owned());
    }
    sentences.dedup();
    assert_eq!(sentences.len(), 1);
    Ok(())
}

#[tokio::test]
async fn ids_and_cursors_that_make_no_sense_are_no_internal_errors() -> Result {
    let gateway = Gateway::start_without_agent(Options::default()).await?;
    for path in [
        "/api/sessions/x",
        "/api/sessions/..%2f..%2fetc",
        "/api/sessions/ses_00000000-0000-0000-0000-000000000000",
        "/api/sessions?cursor=%ff",
        "/api/sessions?limit=-1",
        "/api/sessions?limit=100000",
        "/api/sessions?start_date=yesterday",
        "/api/sessions?colour=red",
        "/api/agents/%00",
        "/api/connections/a%2fb",
        "/api/users/x",
        "/api/nothing",
    ] {
        let answer = gateway.rest.send(Method::GET, path, Value::Null).await?;
        ensure!(answer.status.is_client_error(), "{path}: {} {}", answer.status, answer.body);
        ensure!(!answer.message().is_empty(), "{path}: {}", answer.body);
    }
    Ok(())
}

#[tokio::test]
async fn health_names_what_is_away() -> Result {
    let mut gateway = Gateway::start_without_agent(Options::default()).await?;
    let healthz = gateway.rest.get("/api/healthz").await?;
    assert_eq!(healthz["liveness"], "OK", "{healthz}");
    gateway.nats.kill()?;
    eventually("the API to notice that the broker is away", async || {
        let answer = gateway.rest.send(Method::GET, "/api/healthz", Value::Null).await?;
        ensure!(answer.status == 503 && answer.body["nats"] == "ERR", "{}", answer.body);
        Ok(())
    })
    .await?;
    gateway.nats.restart().await?;
    eventually("the API to notice that the broker is back", async || {
        gateway.rest.get("/api/healthz").await
    })
    .await?;
    Ok(())
}
