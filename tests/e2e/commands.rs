//! Commands on the agent's host, through the real processes: databases' own clients,
//! memory, what outlives nothing, and agents beside an application.

use std::{path::Path, process::Stdio};

use anyhow::{Context, ensure};
use base64::{Engine, prelude::BASE64_STANDARD};
use hoop_tests::{
    Gateway, Options, Psql,
    cli::Person,
    gateway::{AGENT, CONNECTION},
    rest::text,
};
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::Child,
};

use crate::Result;

/// Makes a connection of type command-line.
async fn make(
    gateway: &Gateway,
    (name, agent): (&str, &str),
    command: &[&str],
    secret: &[(&str, &str)],
) -> Result {
    let agent = gateway.rest.agent(agent).await?;
    let secret = secret
        .iter()
        .map(|(name, value)| ((*name).to_owned(), BASE64_STANDARD.encode(value).into()));
    let connection = json!({
        "name": name, "type": "custom", "subtype": "command-line",
        "agent_id": text(&agent, "id"), "command": command, "groups": [],
        "secret": secret.collect::<serde_json::Map<String, serde_json::Value>>(),
    });
    gateway.rest.post("/api/connections", connection).await?;
    Ok(())
}

async fn with(command: &[&str], secret: &[(&str, &str)]) -> Result<(Gateway, Person)> {
    let gateway = Gateway::usual().await?;
    let person = Person::signed_in(&gateway).await?;
    make(&gateway, ("command", AGENT), command, secret).await?;
    Ok((gateway, person))
}

/// The first line that a command prints, and the command.
async fn begun(person: &Person) -> Result<(Child, String)> {
    let mut child = person.hoop(&["exec", "command"])?.stdin(Stdio::piped()).spawn()?;
    let stdout = child.stdout.take().context("no standard output")?;
    let line = BufReader::new(stdout).lines().next_line().await?;
    Ok((child, line.context("the command printed nothing")?))
}

async fn gone(process: &str) -> Result {
    hoop_testkit::eventually("the process to be gone", async || {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        let state = stat.rsplit(')').next().unwrap_or_default().trim_start().chars().next();
        ensure!(matches!(state, None | Some('Z' | 'X')), "process {process} is {state:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn psql_runs_beside_the_agent_and_stops_at_the_first_error() -> Result {
    let (gateway, person) = with(&["true"], &[]).await?;
    let statements = "select 6 * 7 as answer, null as nothing;";
    let output = person.hoop(&["exec", CONNECTION, "-i", statements])?.output().await?;
    assert_eq!(Psql(output).success()?, "answer\tnothing\n42\t\n(1 row)");
    let output = person.feed(&["exec", CONNECTION], b"select 1/0; select 'later'".to_vec()).await?;
    assert_eq!(output.status.code(), Some(3));
    ensure!(!String::from_utf8_lossy(&output.stdout).contains("later"), "{output:?}");
    ensure!(Psql(output).complaint().contains("division by zero"), "no reason");
    for session in gateway.rest.sessions(&format!("connection={CONNECTION}")).await? {
        // The client may be the first to say that it is over.
        let session = gateway.rest.session_done(text(&session, "id")).await?;
        let reason = text(&session, "end_reason");
        ensure!(["target_closed", "client_closed"].contains(&reason), "{session}");
    }
    Ok(())
}

/// `E2E_OUTPUT_MB` is how much; 10000 takes minutes.
#[tokio::test]
async fn much_output_costs_the_agent_no_memory() -> Result {
    let size = std::env::var_os("E2E_OUTPUT_MB").and_then(|text| text.to_str()?.parse().ok());
    let bytes: usize = size.unwrap_or(300) * 1_000_000;
    let (mut gateway, person) = with(&["head", "-c", &bytes.to_string(), "/dev/zero"], &[]).await?;
    let mut child = person.hoop(&["exec", "command", "-i", ""])?.spawn()?;
    let mut stdout = child.stdout.take().context("no standard output")?;
    let (mut got, mut buffer) = (0, vec![0; 1 << 20]);
    loop {
        match stdout.read(&mut buffer).await? {
            0 => break,
            read => got += read,
        }
    }
    ensure!(child.wait().await?.success() && got == bytes, "{got} bytes came");
    let agent = gateway.agent_mut()?.cost().context("the agent is gone")?;
    ensure!(agent.peak_memory < 64 << 20, "{agent:?}");
    Ok(())
}

#[tokio::test]
async fn a_killed_session_ends_its_command() -> Result {
    let (gateway, person) = with(&["sh", "-c", "echo $$; exec sleep 600"], &[]).await?;
    let (mut child, process) = begun(&person).await?;
    let session = gateway.rest.only_session("command").await?;
    gateway.rest.session_kill(text(&session, "id")).await?;
    gone(&process).await?;
    ensure!(!child.wait().await?.success(), "the client thinks that all is well");
    Ok(())
}

#[tokio::test]
async fn what_a_killed_agent_ran_ends_and_its_files_go() -> Result {
    let script = "trap '' TERM; echo $$ $CERT; while :; do sleep 1; done";
    let secret = [("filesystem:CERT", "pem")];
    let (mut gateway, person) = with(&["sh", "-c", script], &secret).await?;
    let (mut child, line) = begun(&person).await?;
    let (process, file) = line.split_once(' ').context("no file")?;
    assert_eq!(std::fs::read_to_string(file)?, "pem");
    gateway.agent_mut()?.kill()?;
    gone(process).await?;
    hoop_testkit::eventually("the files to be gone", async || {
        ensure!(!Path::new(file).exists(), "{file} is still there");
        Ok(())
    })
    .await?;
    ensure!(!child.wait().await?.success(), "the client thinks that all is well");
    Ok(())
}

#[tokio::test]
async fn an_embedded_agent_comes_for_a_client_and_shares_its_application() -> Result {
    let mut gateway = Gateway::start_without_agent(Options::default()).await?;
    let made = gateway.rest.post("/api/agents", json!({"name": "app", "mode": "embedded"})).await?;
    let key = text(&made, "token").to_owned();
    ensure!(key.contains("mode=embedded"), "the key is for another mode");
    gateway.agent_launch("app", &key, 0)?;
    let script = "pwd; echo ${HOOP_KEY-no key}";
    make(&gateway, ("console", "app"), &["sh", "-c", script], &[]).await?;
    let person = Person::signed_in(&gateway).await?;
    assert_eq!(text(&gateway.rest.agent("app").await?, "status"), "DISCONNECTED");
    let printed = person.run(&["exec", "console", "-i", ""]).await?;
    let folder = std::env::current_dir()?;
    assert_eq!(printed, format!("{}\nno key", folder.display()));
    Ok(())
}
