//! `hoop exec`: streams, exit codes, input of any size, and what goes wrong.

use std::process::Output;

use anyhow::ensure;
use hoop_tests::{Gateway, Psql, cli::Person, gateway::AGENT, rest::text};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::{Result, command_line_admin::make};

/// A gateway with the connection `bash`, and somebody signed in.
async fn with_bash() -> Result<(Gateway, Person)> {
    let gateway = Gateway::usual().await?;
    let person = Person::signed_in(&gateway).await?;
    make(&person, "bash", &["bash"]).await?;
    Ok((gateway, person))
}

async fn exec(person: &Person, arguments: &[&str]) -> Result<Output> {
    Ok(person.hoop(&[&["exec"][..], arguments].concat())?.output().await?)
}

#[tokio::test]
async fn streams_stay_apart_and_the_exit_code_is_the_commands() -> Result {
    let (gateway, person) = with_bash().await?;
    let output = exec(&person, &["bash", "-i", "echo out; echo err >&2; exit 42"]).await?;
    let shown = (output.stdout.as_slice(), output.stderr.as_slice(), output.status.code());
    assert_eq!(shown, (&b"out\n"[..], &b"err\n"[..], Some(42)));
    let arguments = ["bash", "--", "-c", "echo \"$0-$1\"; kill -TERM $$", "a b", "$c"];
    let output = exec(&person, &arguments).await?;
    assert_eq!((output.stdout.as_slice(), output.status.code()), (&b"a b-$c\n"[..], Some(143)));
    let output =
        exec(&person, &["bash", "-o", "json", "-i", "echo out; echo err >&2; exit 3"]).await?;
    let json: Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!((json["exit_code"].clone(), output.status.code()), (3.into(), Some(3)));
    assert_eq!((text(&json, "output"), text(&json, "error_output")), ("out\n", "err\n"));
    gateway.rest.session_done(text(&json, "session")).await?;
    let file = person.home().join("script.sh");
    std::fs::write(&file, "echo from a file")?;
    let output = exec(&person, &["bash", "-f", &file.display().to_string()]).await?;
    assert_eq!(Psql(output).success()?, "from a file");
    Ok(())
}

#[tokio::test]
async fn megabytes_go_through_a_command_unchanged() -> Result {
    let (_gateway, person) = with_bash().await?;
    make(&person, "cat", &["cat"]).await?;
    let words = (0..2_000_001_u32).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes());
    let bytes: Vec<u8> = words.flatten().collect();
    let output = person.feed(&["exec", "cat"], bytes.clone()).await?;
    ensure!(output.status.success(), "{}", Psql(output).complaint());
    ensure!(output.stdout == bytes, "{} bytes came back, not the same", output.stdout.len());
    // A command that reads nothing ends all the same.
    let output = person.feed(&["exec", "bash", "--", "-c", "exit 5"], bytes).await?;
    assert_eq!(output.status.code(), Some(5));
    Ok(())
}

#[tokio::test]
async fn a_program_that_is_not_there_is_127() -> Result {
    let (_gateway, person) = with_bash().await?;
    make(&person, "nothing", &["no-such-program"]).await?;
    let output = exec(&person, &["nothing", "-i", ""]).await?;
    assert_eq!(output.status.code(), Some(127));
    let complaint = Psql(output).complaint();
    ensure!(complaint.contains("no-such-program"), "{complaint}");
    Ok(())
}

#[tokio::test]
async fn what_can_not_be_run_is_254_and_one_sentence() -> Result {
    let (mut gateway, person) = with_bash().await?;
    let one_sentence = |output: Output, words: &str| {
        let (code, complaint) = (output.status.code(), Psql(output).complaint());
        ensure!(complaint.contains(words) && complaint.lines().count() == 1, "{complaint}");
        ensure!(code == Some(254), "{code:?}: {complaint}");
        anyhow::Ok(())
    };
    one_sentence(exec(&person, &["unknown", "-i", ""]).await?, "no connection of that name")?;
    one_sentence(exec(&person, &["../x", "-i", ""]).await?, "connection name")?;
    one_sentence(exec(&person, &["bash", "-f", "/nowhere"]).await?, "open /nowhere")?;
    let mut stranger = person.hoop(&["exec", "bash", "-i", ""])?;
    one_sentence(stranger.env("HOOP_TOKEN", "invented").output().await?, "hoop login")?;
    gateway.agent_mut()?.stop()?;
    hoop_testkit::eventually("the agent to be offline", async || {
        let agent = gateway.rest.agent(AGENT).await?;
        ensure!(text(&agent, "status") == "DISCONNECTED", "{agent}");
        Ok(())
    })
    .await?;
    one_sentence(exec(&person, &["bash", "-i", ""]).await?, "agent")?;
    Ok(())
}

#[tokio::test]
async fn who_reads_no_more_ends_the_command_without_a_panic() -> Result {
    let (gateway, person) = with_bash().await?;
    let mut child = person.hoop(&["exec", "bash", "-i", "while echo y; do :; done"])?.spawn()?;
    let stdout = child.stdout.take().expect("it is piped");
    let mut lines = BufReader::new(stdout).lines();
    assert_eq!(lines.next_line().await?.as_deref(), Some("y"));
    drop(lines);
    let output = child.wait_with_output().await?;
    ensure!(!String::from_utf8_lossy(&output.stderr).contains("panicked"), "{output:?}");
    assert_eq!(output.status.code(), Some(141));
    let session = gateway.rest.only_session("bash").await?;
    gateway.rest.session_done(text(&session, "id")).await?;
    Ok(())
}

#[tokio::test]
async fn ctrl_c_stops_the_remote_command() -> Result {
    let (gateway, person) = with_bash().await?;
    let mut child =
        person.hoop(&["exec", "bash", "--", "-c", "echo begun; exec sleep 600"])?.spawn()?;
    let stdout = child.stdout.take().expect("it is piped");
    assert_eq!(BufReader::new(stdout).lines().next_line().await?.as_deref(), Some("begun"));
    let pid = child.id().unwrap_or_default().to_string();
    tokio::process::Command::new("kill").args(["-s", "INT", &pid]).status().await?;
    let status = child.wait().await?;
    ensure!(status.code().is_some_and(|code| 128 < code), "{status}");
    let session = gateway.rest.only_session("bash").await?;
    gateway.rest.session_done(text(&session, "id")).await?;
    Ok(())
}
