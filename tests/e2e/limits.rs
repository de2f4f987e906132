//! Time and room: sessions that may not go on for ever, and not all at once. What is told at
//! the native port and by the `hoop` command.

use std::process::{Output, Stdio};

use anyhow::{Context, ensure};
use hoop_domain::{DenialCode, EndReason};
use hoop_testkit::eventually;
use hoop_tests::{
    Access, Gateway, Psql,
    cli::Person,
    gateway::{ADMIN, AGENT},
    rest::text,
};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use crate::{
    Result,
    ending::{complaint, not_running, sleeper},
};

const LIMITED: &str = "limited";
/// What users are told before the end of the time that they have.
const ENDS_SOON: &str = "the time granted for this session ends in";
/// The same for one in which nothing happens.
const IDLE: &str = "nothing happens in this session, so it ends in";

/// A gateway with a connection to the target, open to `dba`, with this limit.
async fn limited(limit: &str, value: u32) -> Result<Gateway> {
    let gateway = Gateway::usual().await?;
    gateway.open_to(LIMITED, &["dba"]).await?;
    let body = json!({
        "name": LIMITED, "type": "postgres", "agent_id": AGENT, "access_groups": ["dba"],
        limit: value,
    });
    let path = format!("/api/connections/{LIMITED}");
    let answer = gateway.rest.send(Method::PUT, &path, body).await?;
    ensure!(answer.status.is_success(), "{answer:?}");
    Ok(gateway)
}

/// Makes the connection `name` to `bash` with this limit.
async fn limited_bash(person: &Person, name: &str, limit: [&str; 2]) -> Result {
    let create = ["admin", "create", "connection", name, "-a", AGENT, "-t", "command-line"];
    let command = ["--command", "env", "PS1=remote> ", "bash", "--norc", "--noprofile"];
    person.run(&[&create[..], &limit, &command].concat()).await?;
    Ok(())
}

/// Waits until every session of `connection` is done, and fails unless each ended for `reason`.
async fn all_ended(gateway: &Gateway, connection: &str, reason: EndReason) -> Result {
    for session in gateway.rest.sessions(&format!("connection={connection}")).await? {
        let session = gateway.rest.session_done(text(&session, "id")).await?;
        assert_eq!(text(&session, "end_reason"), reason.as_str(), "{session}");
        assert_eq!(text(&session, "end_message"), reason.message());
    }
    Ok(())
}

#[tokio::test]
async fn psql_is_warned_of_the_end_of_its_time_and_told_when_it_is_over() -> Result {
    let gateway = limited("max_session_seconds", 12).await?;
    let psql = sleeper(&gateway, &gateway.access_to(LIMITED, 1).await?).await?;
    let complaint = complaint(psql).await?;
    for words in [ENDS_SOON, EndReason::Expired.message()] {
        ensure!(complaint.contains(words), "{complaint}");
    }
    all_ended(&gateway, LIMITED, EndReason::Expired).await?;
    not_running(&gateway, "pg_sleep").await
}

#[tokio::test]
async fn a_terminal_and_a_command_are_warned_of_the_end_of_their_time_and_told_when_it_is_over()
-> Result {
    let gateway = Gateway::usual().await?;
    let person = Person::signed_in(&gateway).await?;
    limited_bash(&person, LIMITED, ["--max-session", "14s"]).await?;
    let exec = person.hoop(&["exec", LIMITED, "--", "-c", "sleep 600"])?.spawn()?;
    let mut terminal = person.shell()?;
    terminal.shows_last("local>").await?;
    terminal.types("hoop connect limited\r").await?;
    terminal.shows(ENDS_SOON).await?;
    let ended = format!("the session ended: {}", EndReason::Expired.message());
    terminal.shows(&ended).await?;
    terminal.shows_last("local>").await?;
    terminal.types("echo code=$?\r").await?;
    terminal.shows("\ncode=1").await?;
    let output = exec.wait_with_output().await?;
    assert_eq!(output.status.code(), Some(254));
    let complaint = Psql(output).complaint();
    for words in [ENDS_SOON, &ended] {
        ensure!(complaint.contains(words), "{complaint}");
    }
    all_ended(&gateway, LIMITED, EndReason::Expired).await
}

#[tokio::test]
async fn psql_that_does_nothing_for_long_is_warned_and_ended_and_one_that_works_is_not() -> Result {
    let gateway = limited("idle_timeout_seconds", 8).await?;
    let mut command = gateway.access_to(LIMITED, 1).await?.psql();
    let mut psql = command.arg("-At").stdin(Stdio::piped()).spawn()?;
    let mut stdin = psql.stdin.take().context("no standard input")?;
    let mut stdout = BufReader::new(psql.stdout.take().context("no standard output")?).lines();
    // Together they take longer than the limit, and something goes over the wire each second.
    for number in 1..=11 {
        let line = format!("select {number} from pg_sleep(1);\n");
        stdin.write_all(line.as_bytes()).await?;
    }
    for number in 1..=11 {
        assert_eq!(stdout.next_line().await?, Some(number.to_string()));
    }
    all_ended(&gateway, LIMITED, EndReason::IdleTimeout).await?;
    // It does not look at its connection while it has nothing to ask.
    stdin.write_all(b"select 'too late';\n").await?;
    drop(stdin);
    let complaint = complaint(psql).await?;
    for words in [IDLE, EndReason::IdleTimeout.message()] {
        ensure!(complaint.contains(words), "{complaint}");
    }
    Ok(())
}

#[tokio::test]
async fn an_idle_terminal_and_an_idle_port_are_warned_and_ended_and_a_busy_one_is_not() -> Result {
    let gateway = Gateway::usual().await?;
    let person = Person::signed_in(&gateway).await?;
    let idle = ["--idle-timeout", "8s"];
    limited_bash(&person, LIMITED, idle).await?;
    let create = ["admin", "create", "connection", "port", "-a", AGENT, "-t", "tcp"];
    let secret = ["-e", "HOST=127.0.0.1", "-e", "PORT=1"];
    person.run(&[&create[..], &secret, &idle].concat()).await?;
    let port = person.hoop(&["connect", "port", "--port", "0"])?.spawn()?;
    let mut terminal = person.shell()?;
    terminal.shows_last("local>").await?;
    terminal.types("hoop connect limited\r").await?;
    terminal.shows_last("remote>").await?;
    // Longer than the limit, with something on the screen each second.
    terminal
        .types("for i in 1 2 3 4 5 6 7 8 9 10 11; do echo tick-$((i*11)); sleep 1; done\r")
        .await?;
    terminal.shows("\ntick-121").await?;
    terminal.shows(IDLE).await?;
    let ended = format!("the session ended: {}", EndReason::IdleTimeout.message());
    terminal.shows(&ended).await?;
    terminal.shows_last("local>").await?;
    let output = port.wait_with_output().await?;
    assert_eq!(output.status.code(), Some(1));
    let complaint = Psql(output).complaint();
    for words in [IDLE, &ended] {
        ensure!(complaint.contains(words), "{complaint}");
    }
    all_ended(&gateway, LIMITED, EndReason::IdleTimeout).await?;
    all_ended(&gateway, "port", EndReason::IdleTimeout).await
}

/// Waits until somebody gets in by `access`.
async fn place(access: &Access) -> Result {
    eventually("a place", async || access.answer("select 1").await.map(drop)).await
}

/// Fails unless `access` is refused because there is no place.
async fn no_place(access: &Access) -> Result {
    let complaint = access.query("select 1").await?.failure()?;
    ensure!(complaint.contains(DenialCode::TooManySessions.message()), "{complaint}");
    Ok(())
}

#[tokio::test]
async fn one_session_too_many_of_a_connection_is_refused_until_another_has_ended() -> Result {
    let mut gateway = limited("max_sessions", 1).await?;
    let user = gateway.rest.user_create("dba@example.com", &["dba"]).await?;
    let ours = gateway.access_to(LIMITED, 0).await?;
    let theirs = gateway.through(user.credential_create(LIMITED, 600).await?, 1)?;
    let mut psql = sleeper(&gateway, &ours).await?;
    no_place(&theirs).await?;
    no_place(&gateway.through(ours.clone(), 1)?).await?;
    // A place is free when its session has ended, even when nobody stores recordings.
    gateway.audit_writer.kill()?;
    psql.kill().await?;
    place(&theirs).await?;
    place(&ours).await?;
    gateway.audit_writer.start()
}

#[tokio::test]
async fn one_session_too_many_of_a_user_is_refused_and_others_are_not() -> Result {
    let gateway = limited("max_sessions_per_user", 1).await?;
    let user = gateway.rest.user_create("dba@example.com", &["dba"]).await?;
    let ours = gateway.access_to(LIMITED, 0).await?;
    let theirs = gateway.through(user.credential_create(LIMITED, 600).await?, 1)?;
    let psql = sleeper(&gateway, &ours).await?;
    no_place(&gateway.through(ours.clone(), 1)?).await?;
    theirs.answer("select 1").await?;
    let open = gateway.rest.sessions(&format!("user={ADMIN}&status=open")).await?;
    let id = open.first().map(|session| text(session, "id")).context("nothing is open")?;
    gateway.rest.session_kill(id).await?;
    complaint(psql).await?;
    place(&ours).await
}

#[tokio::test]
async fn one_command_too_many_is_refused_by_the_command_line_too() -> Result {
    let gateway = Gateway::usual().await?;
    let person = Person::signed_in(&gateway).await?;
    limited_bash(&person, LIMITED, ["--max-sessions-per-user", "1"]).await?;
    let script = "echo begun; read line";
    let mut first = person.hoop(&["exec", LIMITED, "--", "-c", script])?;
    let mut first = first.stdin(Stdio::piped()).spawn()?;
    let stdout = first.stdout.take().context("no standard output")?;
    assert_eq!(BufReader::new(stdout).lines().next_line().await?.as_deref(), Some("begun"));
    let second = async || -> Result<Output> {
        Ok(person.hoop(&["exec", LIMITED, "-i", "echo in"])?.output().await?)
    };
    let refused = second().await?;
    assert_eq!(refused.status.code(), Some(254));
    let complaint = Psql(refused).complaint();
    let expected = format!("{LIMITED}: {}", DenialCode::TooManySessions.message());
    ensure!(complaint.contains(&expected), "{complaint}");
    drop(first.stdin.take());
    first.wait().await?;
    eventually("a place", async || {
        assert_eq!(Psql(second().await?).success()?, "in");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn limits_are_kept_with_the_connection_and_shown() -> Result {
    let gateway = Gateway::usual().await?;
    let person = Person::signed_in(&gateway).await?;
    limited_bash(&person, LIMITED, ["--max-session", "2h"]).await?;
    let shown = person.run(&["admin", "get", "connections", LIMITED, "-o", "json"]).await?;
    let shown: Value = serde_json::from_str(&shown)?;
    assert_eq!(shown["max_session_seconds"], 7200, "{shown}");
    assert_eq!(shown["idle_timeout_seconds"], Value::Null);
    Ok(())
}
