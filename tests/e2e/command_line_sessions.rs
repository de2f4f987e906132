//! `hoop sessions …` and `hoop connect` for databases.

use anyhow::{Context, ensure};
use hoop_tests::{Gateway, Psql, cli::Person, gateway::CONNECTION, rest::text};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::Command,
};

use crate::{Result, command_line_admin::make};

#[tokio::test]
async fn psql_gets_in_by_the_printed_string_until_ctrl_c() -> Result {
    let gateway = Gateway::usual().await?;
    let person = Person::signed_in(&gateway).await?;
    let mut child = person.hoop(&["connect", CONNECTION, "--port", "0"])?.spawn()?;
    let stdout = child.stdout.take().context("no standard output")?;
    let uri = BufReader::new(stdout).lines().next_line().await?.context("nothing was printed")?;
    let query = ["-X", "-Atc", "select name from customers where id = 1"];
    let psql = Command::new("psql").arg(&uri).args(query).output().await?;
    assert_eq!(Psql(psql).success()?, "Ada Lovelace");
    let pid = child.id().context("it is gone")?.to_string();
    Command::new("kill").args(["-s", "INT", &pid]).status().await?;
    let output = child.wait_with_output().await?;
    ensure!(output.status.success(), "{output:?}");
    let talk = Psql(output).complaint();
    ensure!(talk.contains("ready to accept connections!"), "{talk}");
    ensure!(talk.contains("credential is revoked"), "{talk}");
    let session = gateway.rest.only_session(CONNECTION).await?;
    let id = text(&session, "id");
    gateway.rest.session_done(id).await?;
    let replay = person.run(&["sessions", "replay", id, "--speed", "1000"]).await?;
    ensure!(replay.contains("select name from customers where id = 1"), "{replay}");
    ensure!(replay.contains("SELECT 1"), "{replay}");
    Ok(())
}

#[tokio::test]
async fn a_finished_session_is_listed_shown_and_downloaded() -> Result {
    let gateway = Gateway::usual().await?;
    let person = Person::signed_in(&gateway).await?;
    make(&person, "bash", &["bash"]).await?;
    let output = person.hoop(&["exec", "bash", "-i", "echo kept; exit 7"])?.output().await?;
    assert_eq!(output.status.code(), Some(7));
    let session = gateway.rest.only_session("bash").await?;
    let id = text(&session, "id");
    gateway.rest.session_done(id).await?;
    let list = person.run(&["sessions", "list", "--connection", "bash"]).await?;
    ensure!(list.starts_with("UID") && list.contains(id), "{list}");
    let shown = person.run(&["sessions", "get", id]).await?;
    ensure!(shown.contains("command-line") && shown.contains("done"), "{shown}");
    let json: Value =
        serde_json::from_str(&person.run(&["sessions", "get", id, "-o", "json"]).await?)?;
    assert_eq!(text(&json, "id"), id);
    assert_eq!(json["exit_code"], 7, "{json}");
    ensure!(shown.lines().any(|line| line == "exit code       7"), "{shown}");
    let raw = person.run(&["sessions", "download", id, "--format", "raw-out"]).await?;
    assert_eq!(raw, "kept");
    let file = person.home().join("recording.jsonl");
    person.run(&["sessions", "download", id, "--file", &file.display().to_string()]).await?;
    let lines = std::fs::read_to_string(&file)?;
    ensure!(lines.lines().count() > 3, "{lines}");
    let complaint =
        Psql(person.hoop(&["sessions", "get", "nothing"])?.output().await?).failure()?;
    ensure!(complaint.contains("session"), "{complaint}");
    Ok(())
}

#[tokio::test]
async fn a_running_session_is_followed_to_its_end() -> Result {
    let gateway = Gateway::usual().await?;
    let person = Person::signed_in(&gateway).await?;
    make(&person, "bash", &["bash"]).await?;
    let script = "echo first; read line; echo $line";
    let mut running = person
        .hoop(&["exec", "bash", "--", "-c", script])?
        .stdin(std::process::Stdio::piped())
        .spawn()?;
    let stdout = running.stdout.take().context("no standard output")?;
    let mut printed = BufReader::new(stdout).lines();
    assert_eq!(printed.next_line().await?.as_deref(), Some("first"));
    let session = gateway.rest.only_session("bash").await?;
    let mut tail = person.hoop(&["sessions", "tail", text(&session, "id")])?.spawn()?;
    let stdout = tail.stdout.take().context("no standard output")?;
    let mut followed = BufReader::new(stdout).lines();
    assert_eq!(followed.next_line().await?.as_deref(), Some("first"));
    let mut keyboard = running.stdin.take().context("no standard input")?;
    keyboard.write_all(b"second\n").await?;
    assert_eq!(followed.next_line().await?.as_deref(), Some("second"));
    drop(keyboard);
    let output = tail.wait_with_output().await?;
    let talk = Psql(output).complaint();
    ensure!(talk.contains("the session is over"), "{talk}");
    running.wait().await?;
    Ok(())
}

#[tokio::test]
async fn the_exit_code_of_whatever_a_command_ends_by_is_kept_with_its_session() -> Result {
    let gateway = Gateway::usual().await?;
    let person = Person::signed_in(&gateway).await?;
    make(&person, "bash", &["bash"]).await?;
    make(&person, "nothing", &["no-such-program"]).await?;
    for (connection, arguments, code) in [
        ("bash", vec!["-c", "true"], 0),
        ("bash", vec!["-c", "kill -TERM $$"], 143),
        ("nothing", vec![], 127),
    ] {
        let arguments = [&["exec", connection, "--"][..], &arguments].concat();
        let output = person.hoop(&arguments)?.output().await?;
        assert_eq!(output.status.code(), Some(code));
        // The newest is the first.
        let sessions = gateway.rest.sessions(&format!("connection={connection}")).await?;
        let session = sessions.first().context("no session")?;
        let session = gateway.rest.session_done(text(session, "id")).await?;
        assert_eq!(session["exit_code"], code, "{session}");
    }
    // One that runs no command has none.
    gateway.access(1).await?.answer("select 1").await?;
    let session = gateway.rest.only_session(CONNECTION).await?;
    let session = gateway.rest.session_done(text(&session, "id")).await?;
    assert_eq!(session["exit_code"], Value::Null, "{session}");
    Ok(())
}

#[tokio::test]
async fn a_session_is_followed_over_a_restart_of_the_api_without_gap_or_repeat() -> Result {
    let mut gateway = Gateway::usual().await?;
    let person = Person::signed_in(&gateway).await?;
    make(&person, "bash", &["bash"]).await?;
    let script = "while read line; do echo $line; done";
    let mut running = person
        .hoop(&["exec", "bash", "--", "-c", script])?
        .stdin(std::process::Stdio::piped())
        .spawn()?;
    let mut keyboard = running.stdin.take().context("no standard input")?;
    let stdout = running.stdout.take().context("no standard output")?;
    let mut printed = BufReader::new(stdout).lines();
    let mut say = async |from: usize, to: usize| -> Result {
        for number in from..to {
            keyboard.write_all(format!("line {number}\n").as_bytes()).await?;
            assert_eq!(printed.next_line().await?, Some(format!("line {number}")));
        }
        Ok(())
    };
    say(0, 20).await?;
    let session = gateway.rest.only_session("bash").await?;
    let id = text(&session, "id").to_owned();
    let mut tail = person.hoop(&["sessions", "tail", &id, "-o", "json"])?.spawn()?;
    let stdout = tail.stdout.take().context("no standard output")?;
    let mut followed = BufReader::new(stdout).lines();
    let mut told = vec![followed.next_line().await?.context("nothing is told")?];
    for round in 1..=2 {
        gateway.api.kill()?;
        say(20 * round, 20 * (round + 1)).await?;
        gateway.api.start()?;
    }
    say(60, 80).await?;
    drop(keyboard);
    while let Some(line) = followed.next_line().await? {
        told.push(line);
    }
    let output = tail.wait_with_output().await?;
    ensure!(output.status.success(), "{output:?}");
    let talk = Psql(output).complaint();
    ensure!(talk.contains("trying again") && talk.contains("the session is over"), "{talk}");
    running.wait().await?;
    gateway.rest.session_done(&id).await?;
    let recorded = person.run(&["sessions", "download", &id]).await?;
    let read = |line: &str| Ok(serde_json::from_str::<Value>(line)?);
    let told = told.iter().map(|line| read(line)).collect::<Result<Vec<_>>>()?;
    let recorded = recorded.lines().map(read).collect::<Result<Vec<_>>>()?;
    ensure!(told == recorded, "{} packets were told, {} recorded", told.len(), recorded.len());
    Ok(())
}
