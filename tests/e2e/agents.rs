//! Agents: several with one key, lost edges, and keys that are no more.

use anyhow::{Context, ensure};
use hoop_testkit::eventually;
use hoop_tests::{Gateway, Options, gateway::AGENT, rest::text};

use crate::Result;

#[tokio::test]
async fn agents_share_a_key_and_one_is_enough() -> Result {
    let mut gateway = Gateway::start_without_agent(Options::default()).await?;
    let key = gateway.rest.agent_create(AGENT).await?;
    gateway.agent_launch(AGENT, &key, 0)?;
    gateway.agent_launch(AGENT, &key, 1)?;
    gateway.agent_connected(AGENT).await?;
    gateway.connection_to_target("pg").await?;
    let access = gateway.access(1).await?;
    for _ in 0..10 {
        access.answer("select 1").await?;
    }
    gateway.agent_mut()?.kill()?;
    eventually("the other agent to take over", async || access.answer("select 1").await).await?;
    for _ in 0..5 {
        access.answer("select 1").await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_agent_comes_back_when_its_edge_does() -> Result {
    let mut gateway = Gateway::usual().await?;
    let access = gateway.access(1).await?;
    gateway.edge_mut(0)?.kill()?;
    gateway.edge_mut(0)?.start()?;
    eventually("the agent to be back", async || access.answer("select 1").await).await?;
    Ok(())
}

#[tokio::test]
async fn an_agent_tells_where_it_runs_and_is_seen_to_go() -> Result {
    let mut gateway = Gateway::usual().await?;
    let agent = gateway.rest.agent(AGENT).await?;
    for field in ["version", "hostname", "platform"] {
        ensure!(!text(&agent, field).is_empty(), "no {field} in {agent}");
    }
    gateway.agent_mut()?.stop()?;
    eventually("the API to show that it is gone", async || {
        let agent = gateway.rest.agent(AGENT).await?;
        ensure!(text(&agent, "status") == "DISCONNECTED", "{agent}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_key_that_was_deleted_opens_nothing_and_says_so() -> Result {
    let mut gateway = Gateway::usual().await?;
    let key = gateway.rest.agent_create("short-lived").await?;
    gateway.rest.delete("/api/agents/short-lived").await?;
    gateway.agent_launch("short-lived", &key, 0)?;
    eventually("the agent to be refused", async || {
        let log = gateway.agents.last().map(hoop_tests::Service::log).unwrap_or_default();
        ensure!(log.contains("revoked") || log.contains("not valid"), "{log}");
        ensure!(!log.contains("xagt-"), "the agent logged its key");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn an_agents_key_is_neither_kept_nor_logged() -> Result {
    let mut gateway = Gateway::start_without_agent(Options::default()).await?;
    let key = gateway.rest.agent_create(AGENT).await?;
    let secret = key.split("xagt-").nth(1).and_then(|rest| rest.split('@').next());
    let secret = secret.context("no secret in the key")?;
    ensure!(secret.len() == 43, "that is not the secret of an agent's key");
    gateway.agent_launch(AGENT, &key, 0)?;
    gateway.agent_connected(AGENT).await?;
    gateway.connection_to_target("pg").await?;
    gateway.access(1).await?.answer("select 1").await?;

    let dump = gateway.dump_of_state().await?;
    ensure!(dump.contains("COPY public.agents "), "no agents in the dump");
    ensure!(!dump.contains(secret), "the key is in the database");
    let agent = gateway.agent_mut()?.log();
    ensure!(!agent.is_empty(), "the agent logs nothing");
    for service in gateway.services() {
        ensure!(!service.log().contains(secret), "{} logged the key", service.name());
    }
    Ok(())
}
