//! Errors arrive at Sentry and profiles at Pyroscope, both of which read them to the letter; from
//! agents, too, which their gateway tells where. Nothing secret is in any, or in a log.

use anyhow::{Context, ensure};
use hoop_testkit::{eventually, eventually_after, pyroscope, sentry};
use hoop_tests::{Gateway, Options, Tap, Target, gateway::AGENT};
use serde_json::Value;

use crate::Result;

const TOKEN: &str = "token-of-the-profiles";

/// Fails when any of `secrets` is in the log of a process of this gateway.
fn in_no_log(gateway: &Gateway, secrets: &[&str]) -> Result {
    for service in gateway.services() {
        let log = service.log();
        for secret in secrets {
            ensure!(!log.contains(secret), "{secret} is in the log of {}", service.name());
        }
    }
    Ok(())
}

// The start of a process is waited for in a thread, and what it asks passes another.
#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_lost_its_database_says_so_to_sentry_and_tells_no_secret() -> Result {
    let sentry = sentry().await?;
    let options = Options { edges: 1, ..Options::default() }.with("", "SENTRY_DSN", sentry.dsn());
    let mut gateway = Gateway::start(options).await?;
    let port = gateway.postgres.port();
    let mut tap = Tap::start(port).await?;
    let uri = gateway.state.replacen(&format!(":{port}/"), &format!(":{}/", tap.port), 1);
    ensure!(uri != gateway.state, "{uri} has no port");
    gateway.api.stop()?;
    gateway.api.set("POSTGRES_DB_URI", uri);
    gateway.api.start()?;
    tap.cut().await?;
    // Its edge asks about it, and nobody knows.
    gateway.agent_mut()?.kill()?;
    gateway.agent_mut()?.launch()?;
    let event =
        eventually("the error of the api", async || sentry.event("api", "control.agent failed"));
    let event = event.await?;
    let cause = event.pointer("/extra/cause").and_then(Value::as_str).context("no cause")?;
    ensure!(!cause.is_empty(), "{event}");
    ensure!(event.get("server_name").is_none() && event.get("user").is_none(), "{event}");
    let keys = gateway.keys.clone();
    let sent = sentry.everything();
    let secrets = [keys.admin_password, keys.secrets, keys.signing, gateway.state.clone()];
    for secret in secrets.iter().map(String::as_str).chain([Target::PASSWORD, "xagt-"]) {
        ensure!(!sent.contains(secret), "{secret} is in {sent}");
    }
    in_no_log(&gateway, &[sentry::KEY])
}

#[tokio::test]
async fn an_agent_reports_where_its_gateway_says_unless_its_own_environment_does() -> Result {
    let (handed, own, profiles) = (sentry().await?, sentry().await?, pyroscope().await?);
    let options = Options { edges: 1, ..Options::default() }
        .with("", "LOG_GRPC", "1")
        .with("api", "AGENT_SENTRY_DSN", handed.dsn())
        .with("api", "PYROSCOPE_INGEST_URL", profiles.url())
        .with("api", "PYROSCOPE_AUTH_TOKEN", TOKEN);
    let mut gateway = Gateway::start_without_agent(options).await?;
    let mut settings = vec![("LOG_GRPC", "1".to_owned())];
    for name in [AGENT, "proud"] {
        let key = gateway.rest.agent_create(name).await?;
        gateway.agent_launch_as(name, &gateway.calling_edge(&key, 0)?, &settings)?;
        gateway.agent_connected(name).await?;
        settings.push(("AGENT_SENTRY_DSN", own.dsn()));
    }
    for process in ["agent", "api"] {
        let profile = eventually_after(2, "a profile", async || profiles.profile(process)).await?;
        let bearer = format!("Bearer {TOKEN}");
        ensure!(profile.authorization.as_deref() == Some(bearer.as_str()), "{profile:?}");
    }
    for (name, sentry) in [(AGENT, &handed), ("proud", &own)] {
        gateway.rest.delete(&format!("/api/agents/{name}")).await?;
        let refused = "the gateway refuses this agent's key";
        let event = eventually("the agent's error", async || sentry.event("agent", refused));
        ensure!(!event.await?.to_string().contains("xagt-"), "its key is in it");
        ensure!(name != AGENT || own.events().is_empty(), "that is not its own");
    }
    in_no_log(&gateway, &[sentry::KEY, TOKEN])
}

#[tokio::test]
async fn processes_whose_reports_nobody_takes_work_and_end_all_the_same() -> Result {
    let nobody = hoop_testkit::free_port()?;
    let options = Options { edges: 1, ..Options::default() }
        .with("", "SENTRY_DSN", format!("http://key@127.0.0.1:{nobody}/1"))
        .with("api", "AGENT_SENTRY_DSN", format!("http://key@127.0.0.1:{nobody}/1"))
        .with("", "PYROSCOPE_INGEST_URL", format!("http://127.0.0.1:{nobody}"));
    let mut gateway = Gateway::start(options).await?;
    assert_eq!(gateway.access(0).await?.answer("select 41 + 1").await?, "42");
    gateway.stop()
}
