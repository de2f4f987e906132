//! `LOG_GRPC=1`: what passes over HTTP/2 is shown at each hop, and nothing secret with it.

use anyhow::{Context, ensure};
use hoop_testkit::eventually;
use hoop_tests::{
    Gateway, Options, Psql, Target,
    cli::Person,
    gateway::{AGENT, CONNECTION},
};

use crate::Result;

/// Part of a statement, and of its answer.
const CANARY: &str = "canary-4711";

/// Fails unless `log` shows frames of HTTP/2, and none of `secrets`.
fn shows_frames_and_no_secret(log: &str, secrets: &[&str]) -> Result {
    ensure!(log.contains("h2::") && log.contains("frame=Headers"), "no frames in {log}");
    for secret in secrets {
        ensure!(!secret.is_empty() && !log.contains(secret), "{secret:?} is in {log}");
    }
    Ok(())
}

/// A gateway of one edge, whose edge and agent log what passes; and the secret of the agent.
async fn loud() -> Result<(Gateway, String)> {
    let options = Options { edges: 1, ..Options::default() }.with("grpc-edge", "LOG_GRPC", "1");
    let mut gateway = Gateway::start_without_agent(options).await?;
    let key = gateway.rest.agent_create(AGENT).await?;
    let secret = key.split(['/', ':', '@', '?']).find(|part| part.starts_with("xagt-"));
    let secret = secret.with_context(|| format!("no secret in {key}"))?.to_owned();
    let key = gateway.calling_edge(&key, 0)?;
    gateway.agent_launch_as(AGENT, &key, &[("LOG_GRPC", "1".into())])?;
    gateway.agent_connected(AGENT).await?;
    gateway.connection_to_target(CONNECTION).await?;
    Ok((gateway, secret))
}

/// The token that the `hoop` command of this person presents.
fn token(person: &Person) -> Result<String> {
    let settings = std::fs::read_to_string(person.home().join(".hoop/config.toml"))?;
    let line = settings.lines().find(|line| line.trim_start().starts_with("token"));
    let token = line.and_then(|line| line.split('"').nth(1));
    token.map(str::to_owned).with_context(|| format!("no token in {settings}"))
}

#[tokio::test]
async fn the_edge_the_agent_and_the_command_line_show_frames_and_no_secret() -> Result {
    let (gateway, agent_secret) = loud().await?;
    let person = Person::signed_in(&gateway).await?;
    let select = format!("select '{CANARY}'");
    let exec = ["exec", CONNECTION, "-i", &select];
    let output = person.hoop(&exec)?.env("LOG_GRPC", "1").output().await?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(Psql(output).success()?.contains(CANARY), "{said}");
    let access = gateway.access(0).await?;
    assert_eq!(access.answer(&select).await?, CANARY);

    let token = token(&person)?;
    let secrets = [
        token.as_str(),
        &agent_secret,
        &access.password,
        &gateway.keys.admin_password,
        Target::PASSWORD,
        CANARY,
    ];
    shows_frames_and_no_secret(&said, &secrets).context("the command line")?;
    let agent = gateway.agents.first().context("no agent")?;
    for (what, service) in [("the edge", &gateway.edge(0)?.service), ("the agent", agent)] {
        eventually("what passed to be in the log", async || {
            shows_frames_and_no_secret(&service.log(), &secrets).context(what)
        })
        .await?;
    }
    Ok(())
}
