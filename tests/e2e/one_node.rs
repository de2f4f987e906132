//! `hoop start gateway`: a whole gateway on one machine, from nothing, and nothing left of it.

mod node;

use std::process::Stdio;

use anyhow::{Context, ensure};
use hoop_testkit::{eventually, nats, postgres};
use hoop_tests::{Access, Psql, Rest, Target, rest::text};
use node::{Node, living, send};

use crate::Result;

const CONNECTION: &str = "shop";

/// A database to reach through the gateway.
async fn target() -> Result<Target> {
    let postgres = postgres().await?;
    let state = postgres.create_database().await?;
    let name = state.rsplit(['/', '?']).find(|part| part.starts_with("test_"));
    Target::create(&postgres, &format!("node_{}", name.context("no database")?)).await
}

/// A way to `target` through the agent `agent`.
async fn access(rest: &Rest, agent: &str, target: &Target) -> Result<Access> {
    let port = target.postgres.port().to_string();
    let secret = [
        ("HOST", "127.0.0.1"),
        ("PORT", port.as_str()),
        ("USER", &target.role),
        ("PASS", Target::PASSWORD),
        ("DB", &target.database),
        ("SSLMODE", "disable"),
    ];
    rest.connection_create(CONNECTION, "postgres", agent, &secret, &[]).await?;
    rest.credential_create(CONNECTION, 3600).await
}

async fn answers(access: &Access) -> Result {
    eventually("psql to get through", async || {
        let name = access.answer("select name from customers where id = 1").await?;
        ensure!(name == "Ada Lovelace", "it said {name:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_gateway_from_nothing_serves_psql_survives_crashes_and_keeps_its_state() -> Result {
    let mut node = Node::new()?;
    let ready = node.start(&[]).await?;
    let first = ready.get("first_run").context("no first run")?;
    let (email, password) = (text(first, "email").to_owned(), text(first, "password").to_owned());
    ensure!(text(first, "agent_key").starts_with("grpc://default:xagt-"), "{first}");
    let api = text(&ready, "api_url").to_owned();
    let rest = Rest::new(&api)?.login(&email, &password).await?;

    // As the documents say; the first run has signed its user in.
    let key = node.person.run(&["admin", "create", "agent", "dev"]).await?;
    let mut agent = node.person.hoop(&["start", "agent"])?;
    let _agent = agent.env("HOOP_KEY", &key).stderr(Stdio::null()).spawn()?;
    let target = target().await?;
    let access = access(&rest, "dev", &target).await?;
    answers(&access).await?;

    for program in ["hoop-grpc-edge", "hoop-api", "hoop-audit-writer", "nats-server", "postgres"] {
        let pid = node.pid_of(program)?;
        send("KILL", pid)?;
        eventually("the child to come back", async || {
            ensure!(node.pid_of(program)? != pid, "{program} is the same");
            Ok(())
        })
        .await?;
        answers(&access).await.with_context(|| format!("after the end of {program}"))?;
    }
    ensure!(node.said()?.contains("grpc-edge was ended by signal 9; starting it again"));

    // Somebody else may not use the directory meanwhile.
    let refusal = node.refused(&["--api-port", "0", "--grpc-port", "0", "--pg-port", "0"]).await?;
    ensure!(refusal.contains("a gateway is already running with the data directory"), "{refusal}");

    node.stop().await?;
    ensure!(living(node.data()).is_empty(), "{:?}", living(node.data()));

    let again = node.start(&[]).await?;
    ensure!(again.get("first_run").is_some_and(serde_json::Value::is_null), "{again}");
    Rest::new(&api)?.login(&email, &password).await?;
    // The agent finds its way back with the key it has.
    answers(&access).await?;
    node.stop().await
}

#[tokio::test]
async fn a_gateway_that_is_killed_leaves_no_child() -> Result {
    let mut node = Node::new()?;
    node.start(&[]).await?;
    ensure!(living(node.data()).len() > 6, "{:?}", living(node.data()));
    node.kill().await?;
    let nobody = async || {
        let left = living(node.data());
        ensure!(left.is_empty(), "{left:?}");
        Ok(())
    };
    eventually("the children to be ended", nobody).await?;

    // Not even the guard is left to do it: the next start does.
    node.start(&[]).await?;
    send("STOP", node.supervisor()?)?;
    send("KILL", node.pid_of("hoop start guard")?)?;
    node.kill().await?;
    ensure!(living(node.data()).len() >= 6, "{:?}", living(node.data()));
    node.start(&[]).await?;
    ensure!(node.said()?.contains("that an earlier gateway has left behind"));
    node.stop().await
}

#[tokio::test]
async fn a_database_and_a_broker_that_are_set_are_used() -> Result {
    let (postgres, nats) = (postgres().await?, nats().await?);
    let state = postgres.create_database().await?;
    let mut node = Node::new()?;
    let ready = node.start(&[("POSTGRES_DB_URI", &state), ("NATS_URL", &nats.url())]).await?;
    ensure!(node.pid_of("nats-server").is_err() && node.pid_of("postgres").is_err());
    let first = ready.get("first_run").context("no first run")?;
    Rest::new(text(&ready, "api_url"))?
        .login(text(first, "email"), text(first, "password"))
        .await?;
    node.stop().await
}

/// Arguments, variables, and what is said of them.
type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a str);

#[tokio::test]
async fn what_is_wrong_is_said_before_anything_is_started() -> Result {
    let node = Node::new()?;
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    let port = taken.local_addr()?.port().to_string();
    let cases: [Case<'_>; 7] = [
        (&["--data", "/dev/null/x"], &[], "the data directory /dev/null/x can't be used"),
        (&["--pg-port", &port], &[], "(psql) is taken by another program; stop that one, or"),
        (
            &[],
            &[("HOOP_DATTA", "x")],
            "HOOP_DATTA is not a setting of hoop; did you mean HOOP_DATA",
        ),
        (&[], &[("API_LISTEN", "8009")], "API_LISTEN is malformed"),
        (&[], &[("PATH", "/nowhere")], "nats-server was not found"),
        (
            &[],
            &[("POSTGRES_DB_URI", "postgres://u:s3cret@127.0.0.1:1/db")],
            "PostgreSQL at 127.0.0.1:1 (POSTGRES_DB_URI) can't be reached",
        ),
        (&[], &[("NATS_URL", "nats://127.0.0.1:1")], "NATS at 127.0.0.1:1 (NATS_URL)"),
    ];
    for (arguments, settings, sentence) in cases {
        let said = node.refused_with(arguments, settings).await?;
        ensure!(said.contains(sentence), "no {sentence:?} in {said:?}");
        ensure!(!said.contains("s3cret") && !said.contains("panicked"), "{said}");
        ensure!(living(node.data()).is_empty(), "{:?}", living(node.data()));
    }
    Ok(())
}

#[tokio::test]
async fn a_child_that_can_not_start_says_why_and_nothing_is_left() -> Result {
    let node = Node::new()?;
    let said = node.refused_with(&[], &[("SECRETS_KEY", "c2hvcnQ=")]).await?;
    ensure!(said.contains("api does not start: it ended with exit code 1"), "{said}");
    ensure!(said.contains("SECRETS_KEY is malformed") && said.contains("logs/api.log"), "{said}");
    ensure!(living(node.data()).is_empty(), "{:?}", living(node.data()));
    Ok(())
}

#[tokio::test]
async fn an_agent_without_a_key_says_how_to_get_one() -> Result {
    let node = Node::new()?;
    let output = node.person.hoop(&["start", "agent"])?.output().await?;
    let said = Psql(output).failure()?;
    ensure!(said.contains("HOOP_KEY is not set"), "{said}");
    ensure!(said.contains("export HOOP_KEY=$(hoop admin create agent NAME)"), "{said}");
    Ok(())
}
