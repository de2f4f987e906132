//! Connections whose secrets are kept elsewhere: only the agent ever has them.

use anyhow::ensure;
use hoop_testkit::{aws, vault};
use hoop_tests::{Gateway, Options, Target, gateway::AGENT};
use serde_json::json;

use crate::Result;

/// A gateway whose agent has these settings more.
async fn with_agent(settings: &[(&str, String)]) -> Result<Gateway> {
    let options = Options { edges: 1, ..Options::default() };
    let mut gateway = Gateway::start_without_agent(options).await?;
    let key = gateway.rest.agent_create(AGENT).await?;
    let key = gateway.calling_edge(&key, 0)?;
    gateway.agent_launch_as(AGENT, &key, settings)?;
    gateway.agent_connected(AGENT).await?;
    Ok(gateway)
}

/// A connection to the target whose password and user are `password` and `user`.
async fn connection(gateway: &Gateway, name: &str, user: &str, password: &str) -> Result {
    let port = gateway.target.postgres.port().to_string();
    let secret = [
        ("HOST", "127.0.0.1"),
        ("PORT", port.as_str()),
        ("USER", user),
        ("PASS", password),
        ("DB", &gateway.target.database),
        ("SSLMODE", "disable"),
    ];
    let rest = &gateway.rest;
    rest.connection_create_with(name, "postgres", AGENT, &secret, json!({})).await.map(drop)
}

#[tokio::test]
async fn psql_logs_in_with_what_vault_and_the_environment_have() -> Result {
    let server = vault::vault().await?;
    let gateway = with_agent(&[
        ("VAULT_ADDR", server.url()),
        ("VAULT_APP_ROLE_ID", vault::ROLE.to_owned()),
        ("VAULT_APP_SECRET_ID", vault::SECRET.to_owned()),
        ("TARGET", json!({ "password": Target::PASSWORD }).to_string()),
    ])
    .await?;
    server.store_versioned(
        "prod/shop",
        json!({ "password": Target::PASSWORD, "user": gateway.target.role }),
    );
    let (user, password) =
        ("_vaultkv2:secret/prod/shop:user", "_vaultkv2:secret/prod/shop:password");
    connection(&gateway, "kept", user, password).await?;
    assert_eq!(gateway.access_to("kept", 0).await?.answer("select 1").await?, "1");

    // The provider has another one now: who connects next gets that.
    server.store_versioned("prod/shop", json!({ "password": "wrong", "user": "nobody" }));
    let refused = gateway.access_to("kept", 0).await?.query("select 1").await?.failure()?;
    ensure!(refused.contains("refused the stored credentials"), "{refused}");

    connection(&gateway, "lost", user, "_vaultkv2:secret/prod/gone:password").await?;
    let refused = gateway.access_to("lost", 0).await?.query("select 1").await?.failure()?;
    let sentence = "the secret PASS could not be had from Vault \
                    (_vaultkv2:secret/prod/gone:password): there is no such secret";
    ensure!(refused.contains(sentence), "{refused}");

    let role = gateway.target.role.clone();
    connection(&gateway, "near", &role, "_envjson:TARGET:password").await?;
    assert_eq!(gateway.access_to("near", 0).await?.answer("select 1").await?, "1");
    connection(&gateway, "half", "_envjson:TARGET:user", password).await?;
    let refused = gateway.access_to("half", 0).await?.query("select 1").await?.failure()?;
    ensure!(refused.contains("the agent's environment (_envjson:TARGET:user)"), "{refused}");

    // What Vault has stays between it, the agent and the target.
    let state = gateway.dump_of_state().await?;
    for secret in [Target::PASSWORD, vault::SECRET] {
        ensure!(!state.contains(secret), "the state store has {secret}");
        for service in gateway.services() {
            ensure!(!service.log().contains(secret), "{} logs {secret}", service.name());
        }
    }
    Ok(())
}

#[tokio::test]
async fn psql_logs_in_with_what_secrets_manager_has() -> Result {
    let secret = json!({ "password": Target::PASSWORD });
    let server = aws::secrets_manager("prod/shop", &secret).await?;
    let gateway = with_agent(&[
        ("AWS_REGION", aws::REGION.to_owned()),
        ("AWS_ENDPOINT_URL", server.url()),
        ("AWS_ACCESS_KEY_ID", server.key_id.clone()),
        ("AWS_SECRET_ACCESS_KEY", server.key.clone()),
    ])
    .await?;
    let role = gateway.target.role.clone();
    connection(&gateway, "kept", &role, "_aws:prod/shop:password").await?;
    assert_eq!(gateway.access_to("kept", 0).await?.answer("select 1").await?, "1");
    Ok(())
}

#[tokio::test]
async fn commands_do_not_see_the_agents_own_keys() -> Result {
    let server = vault::vault().await?;
    server.store("tool", json!({ "token": "for the tool" }));
    let gateway =
        with_agent(&[("VAULT_ADDR", server.url()), ("VAULT_TOKEN", vault::TOKEN.to_owned())])
            .await?;
    let person = hoop_tests::cli::Person::signed_in(&gateway).await?;
    let create = ["admin", "create", "connection", "tool", "-a", AGENT, "-t", "command-line"];
    let secret = ["-e", "TOOL_TOKEN=_vaultkv1:kv/tool:token", "--command", "bash"];
    person.run(&[&create[..], &secret].concat()).await?;
    let seen = person.run(&["exec", "tool", "-i", "env"]).await?;
    ensure!(seen.contains("TOOL_TOKEN=for the tool"), "{seen}");
    ensure!(!seen.contains(vault::TOKEN) && !seen.contains("HOOP_KEY"), "{seen}");
    Ok(())
}
