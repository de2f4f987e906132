//! Connections that somebody has to approve first: held, released, refused, and taken back.

mod commands;
mod modes;
mod plugins;
mod rest;
mod times;
mod told;
mod voting;

use std::process::{Output, Stdio};

use anyhow::{Context, ensure};
use hoop_testkit::eventually;
use hoop_tests::{
    Gateway, Psql, Rest,
    cli::Person,
    gateway::AGENT,
    rest::{Answer, text},
};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::process::Child;

use crate::Result;

const ANN: &str = "ann@example.com";
const BOB: &str = "bob@example.com";

/// A gateway, a reviewer, and somebody who has to ask.
struct Scene {
    gateway: Gateway,
    /// Somebody's machine; who is signed in there is said with each command.
    person: Person,
    /// In group `dba`.
    ann: Rest,
    /// In groups `dba` and `leads`.
    bob: Rest,
}

impl Scene {
    async fn new() -> Result<Self> {
        let gateway = Gateway::usual().await?;
        let person = Person::signed_in(&gateway).await?;
        let ann = gateway.rest.user_create(ANN, &["dba"]).await?;
        let bob = gateway.rest.user_create(BOB, &["dba", "leads"]).await?;
        Ok(Self { gateway, person, ann, bob })
    }

    /// Makes the connection `bash`, whose commands `leads` approve.
    async fn bash(&self) -> Result {
        let create = ["admin", "create", "connection", "bash", "-a", AGENT, "-t", "command-line"];
        let rules = ["--group", "dba", "--reviewers", "leads", "--command", "bash"];
        self.person.run(&[&create[..], &rules].concat()).await?;
        Ok(())
    }

    /// Makes the connection `shared` to the target, which `leads` approve when `reviewed`.
    async fn shared(&self) -> Result {
        self.gateway.open_to("shared", &["dba"]).await
    }

    async fn change_shared(&self, more: Value) -> Result {
        let mut body = json!({
            "name": "shared", "type": "postgres", "agent_id": AGENT, "access_groups": ["dba"],
        });
        if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
            body.extend(more);
        }
        let path = "/api/connections/shared";
        let answer = self.gateway.rest.send(Method::PUT, path, body).await?;
        ensure!(answer.status.is_success(), "{answer:?}");
        Ok(())
    }

    /// `hoop exec bash` with this input, as ann.
    fn exec(&self, input: &str) -> Result<Child> {
        let mut command = self.person.hoop_as(&self.ann, &["exec", "bash", "-i", input])?;
        Ok(command.stdin(Stdio::null()).spawn()?)
    }

    /// Runs the `hoop` command to its end, as this user.
    async fn hoop(&self, who: &Rest, arguments: &[&str]) -> Result<Psql> {
        Ok(Psql(self.person.hoop_as(who, arguments)?.output().await?))
    }

    /// The one request of ann's that waits, when it is there.
    async fn pending(&self) -> Result<Value> {
        eventually("a request that waits", async || {
            let page = self.ann.get("/api/reviews?status=PENDING").await?;
            let rows = page.get("data").and_then(Value::as_array).context("no list")?;
            ensure!(rows.len() == 1, "{} wait", rows.len());
            rows.first().cloned().context("none")
        })
        .await
    }

    /// The request when it has this status.
    async fn becomes(&self, id: &str, status: &str) -> Result<Value> {
        eventually("the request to be decided", async || {
            let review = self.ann.get(&format!("/api/reviews/{id}")).await?;
            ensure!(text(&review, "status") == status, "it is {review}");
            Ok(review)
        })
        .await
    }
}

/// What `who` says about request `id`.
async fn vote(who: &Rest, id: &str, status: &str, reason: &str) -> Result<Answer> {
    let body = json!({ "status": status, "rejection_reason": reason });
    who.send(Method::PUT, &format!("/api/reviews/{id}"), body).await
}

/// The same, when it is to succeed.
async fn decide(who: &Rest, id: &str, status: &str) -> Result<Value> {
    let answer = vote(who, id, status, "").await?;
    ensure!(answer.status.is_success(), "{answer:?}");
    Ok(answer.body)
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
