//! One port as the contract's documents have it: a location for `/protobuf.Transport/Connect`, the
//! rest to the api, and nothing else set.

use anyhow::ensure;
use hoop_tests::{Options, Proxied, Psql, gateway::AGENT, proxied::Setup, rest::text};
use serde_json::json;

use super::{events_come_at_once, everything_works};
use crate::{Result, command_line_admin::make};

#[tokio::test]
async fn rest_command_line_and_agent_work_through_the_narrow_location() -> Result {
    everything_works(Setup::Narrow).await
}

#[tokio::test]
async fn events_come_when_they_happen_though_nginx_is_not_told_so() -> Result {
    events_come_at_once(Setup::Narrow).await
}

#[tokio::test]
async fn an_embedded_agent_whose_question_is_not_passed_on_stays_connected() -> Result {
    let mut proxied =
        Proxied::without_agent(Setup::Narrow, Options::default(), |text| text).await?;
    let agent = json!({ "name": AGENT, "mode": "embedded" });
    let made = proxied.gateway.rest.post("/api/agents", agent).await?;
    let trust = ("SSL_CERT_FILE", proxied.authority.display().to_string());
    proxied.gateway.agent_launch_as(AGENT, text(&made, "token"), &[trust])?;
    // Nobody waits for it.
    proxied.gateway.agent_connected(AGENT).await?;
    let person = proxied.signed_in().await?;
    make(&person, "cat", &["cat"]).await?;
    let output = person.feed(&["exec", "cat"], b"hello".to_vec()).await?;
    assert_eq!(Psql(output).success()?, "hello");
    Ok(())
}

#[tokio::test]
async fn the_doctor_says_that_the_narrow_location_is_enough() -> Result {
    let proxied = Proxied::without_agent(Setup::Narrow, Options::default(), |text| text).await?;
    let said = proxied.signed_in().await?.run(&["doctor"]).await?;
    ensure!(said.contains("only /protobuf.Transport/Connect is passed on"), "{said}");
    ensure!(said.ends_with("all is well"), "{said}");
    Ok(())
}
