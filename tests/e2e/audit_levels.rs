//! What has to be true of a packet before anybody gets its bytes: strict, synced and windowed.

use std::{fs, process::Stdio};

use anyhow::{Context, ensure};
use hoop_domain::AuditLevel;
use hoop_testkit::{Tap, eventually, patience};
use hoop_tests::{
    Access, Gateway, Options, Psql, Target,
    cli::Person,
    gateway::AGENT,
    rest::{Packet, text},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout},
    time::timeout,
};

use crate::{Result, metrics};

/// A `psql` that is asked one thing after the other.
pub(crate) struct Asker {
    child: Child,
    stdin: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Asker {
    /// Starts one whose session is open.
    pub(crate) async fn ready(access: &Access) -> Result<Self> {
        let mut child = access.psql().arg("-qAt").stdin(Stdio::piped()).spawn()?;
        let stdin = child.stdin.take().context("no standard input")?;
        let stdout = child.stdout.take().context("no standard output")?;
        let mut asker = Self { child, stdin, answers: BufReader::new(stdout).lines() };
        asker.tells("ready").await?;
        Ok(asker)
    }

    /// Asks for these words, and does not wait.
    pub(crate) async fn asks(&mut self, words: &str) -> Result {
        self.stdin.write_all(format!("select '{words}';\n").as_bytes()).await?;
        Ok(self.stdin.flush().await?)
    }

    /// Has it run this, whose answer is an empty line or nothing.
    pub(crate) async fn runs(&mut self, statement: &str) -> Result {
        self.stdin
            .write_all(format!("do $$ begin perform {statement}; end $$;\n").as_bytes())
            .await?;
        Ok(self.stdin.flush().await?)
    }

    /// Fails unless the next answer is these words.
    pub(crate) async fn hears(&mut self, words: &str) -> Result {
        let answer = timeout(patience(), self.answers.next_line()).await;
        let answer = answer.with_context(|| format!("no answer where {words:?} should be"))??;
        ensure!(answer.as_deref() == Some(words), "{answer:?} and not {words:?}");
        Ok(())
    }

    /// Asks for these words and gets them.
    pub(crate) async fn tells(&mut self, words: &str) -> Result {
        self.asks(words).await?;
        self.hears(words).await
    }

    /// Ends it as a person would.
    pub(crate) async fn ends(self) -> Result {
        drop(self.stdin);
        Psql(self.child.wait_with_output().await?).success().map(drop)
    }

    /// What it complains of, when its session has ended.
    pub(crate) async fn complaint(self) -> Result<String> {
        drop(self.stdin);
        Psql(self.child.wait_with_output().await?).failure()
    }
}

/// A connection of each level to the target, named like its level.
async fn connections(gateway: &Gateway) -> Result<Person> {
    let person = Person::signed_in(gateway).await?;
    let port = format!("PORT={}", gateway.target.postgres.port());
    let (user, database) =
        (format!("USER={}", gateway.target.role), format!("DB={}", gateway.target.database));
    let password = format!("PASS={}", Target::PASSWORD);
    for level in AuditLevel::ALL.map(AuditLevel::as_str) {
        let create = ["admin", "create", "connection", level, "-a", AGENT, "-t", "postgres"];
        let secret = ["-e", "HOST=127.0.0.1", "-e", &port, "-e", &user, "-e", &password];
        let rest = ["-e", &database, "-e", "SSLMODE=disable", "--audit-level", level];
        person.run(&[&create[..], &secret, &rest].concat()).await?;
    }
    Ok(person)
}

/// Waits until every session is over; fails unless each is recorded whole and verifies.
async fn all_whole(gateway: &Gateway, person: &Person, words: &[String]) -> Result {
    for session in gateway.rest.sessions("limit=100").await? {
        let id = text(&session, "id");
        gateway.rest.session_done(id).await?;
        let recording = gateway.rest.recording(id).await?;
        recording.is_complete()?;
        let ends = [&recording.input, &recording.output].map(|way| way.last().map(Packet::kind));
        ensure!(ends == [Some("session_end"); 2], "{session}: {ends:?}");
    }
    person.run(&["audit", "verify"]).await?;
    for words in words {
        let mut found = 0;
        for session in gateway.rest.sessions("limit=100").await? {
            let recording = gateway.rest.recording(text(&session, "id")).await?;
            let output = recording.output_bytes()?;
            found += usize::from(String::from_utf8_lossy(&output).contains(words.as_str()));
        }
        ensure!(found == 1, "{words:?} is in {found} recordings");
    }
    Ok(())
}

/// SIGSTOP, and wait until it does nothing any more.
async fn pause(pid: u32) -> Result {
    signal(pid, "STOP")?;
    eventually("the process to be stopped", async || {
        for task in fs::read_dir(format!("/proc/{pid}/task"))? {
            let stat = fs::read_to_string(task?.path().join("stat"))?;
            let state = stat.rsplit(')').next().unwrap_or_default().trim().chars().next();
            ensure!(state == Some('T'), "a thread is in state {state:?}");
        }
        Ok(())
    })
    .await
}

fn signal(pid: u32, signal: &str) -> Result {
    let status = std::process::Command::new("kill").args(["-s", signal, &pid.to_string()]).status();
    ensure!(status?.success(), "process {pid} is not running");
    Ok(())
}

/// Whether the target was ever asked for these words by a session that is still open.
async fn asked(gateway: &Gateway, words: &str) -> Result<bool> {
    let sql = format!(
        "select count(*) from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid() and query like '%{words}%'"
    );
    Ok(gateway.target.run(&sql).await? != "0")
}

#[tokio::test]
async fn a_session_of_each_level_works_and_is_recorded_whole() -> Result {
    const ROWS: &str = "copy (select i, md5(i::text) from generate_series(1, 20000) i) to stdout";
    let gateway = Gateway::usual().await?;
    let person = connections(&gateway).await?;
    let expected = gateway.target.direct().answer(ROWS).await?;
    for level in AuditLevel::ALL.map(AuditLevel::as_str) {
        let shown = person.run(&["admin", "get", "connections", level, "-o", "json"]).await?;
        let shown: serde_json::Value = serde_json::from_str(&shown)?;
        ensure!(text(&shown, "audit_level") == level, "{shown}");
        for edge in 0..2 {
            let access = gateway.access_to(level, edge).await?;
            ensure!(access.answer(ROWS).await? == expected, "{level} at edge {edge} differs");
        }
    }
    let last = expected.lines().last().context("no rows")?;
    all_whole(&gateway, &person, &[]).await?;
    for session in gateway.rest.sessions("limit=100").await? {
        let output = gateway.rest.recording(text(&session, "id")).await?.output_bytes()?;
        ensure!(String::from_utf8_lossy(&output).contains(last), "{session} is not all there");
    }
    Ok(())
}

#[tokio::test]
async fn a_synced_session_waits_for_the_audit_writers_disk_and_others_do_not() -> Result {
    let mut gateway = Gateway::usual().await?;
    let person = connections(&gateway).await?;
    let mut askers = Vec::new();
    for edge in 0..2 {
        for level in AuditLevel::ALL.map(AuditLevel::as_str) {
            let access = gateway.access_to(level, edge).await?;
            askers.push((level, format!("{level} at {edge}"), Asker::ready(&access).await?));
        }
    }
    let (mut synced, mut others): (Vec<_>, Vec<_>) =
        askers.into_iter().partition(|(level, ..)| *level == "synced");
    let writer = gateway.audit_writer.process()?.pid();
    pause(writer).await?;
    for (_, words, asker) in &mut synced {
        asker.asks(words).await?;
    }
    // They are asked later and answer; what was asked first has not even come to the target.
    for (_, words, asker) in &mut others {
        asker.tells(words).await?;
    }
    ensure!(!asked(&gateway, "synced at").await?, "it was passed on");
    signal(writer, "CONT")?;
    for (_, words, asker) in &mut synced {
        asker.hears(words).await?;
    }
    synced.append(&mut others);
    let mut all = Vec::new();
    for (_, words, asker) in synced {
        asker.ends().await?;
        all.push(words);
    }
    all_whole(&gateway, &person, &all).await
}

#[tokio::test]
async fn a_windowed_session_goes_on_for_a_window_while_the_broker_says_nothing() -> Result {
    /// What may have left without a receipt.
    const WINDOW: usize = 1024 * 1024;
    let flood = "copy (select repeat('x', 1000) from generate_series(1, 24000)) to stdout";
    // However long this takes, nobody gives up.
    let options = Options::default().with("grpc-edge", "EDGE_STALL_TIMEOUT", "600s");
    let mut gateway = Gateway::start(options).await?;
    let person = connections(&gateway).await?;
    let access = gateway.access_to("windowed", 0).await?;
    let tap = Tap::start(access.port).await?;
    let mut flooded = access.by_port(tap.port).psql();
    flooded.env("PGSSLMODE", "disable").arg("-At").stdin(Stdio::piped()).stdout(Stdio::null());
    let mut flooded = flooded.spawn()?;
    let mut stdin = flooded.stdin.take().context("no standard input")?;
    stdin.write_all(b"select 'the flood comes';\n").await?;
    eventually("the flood to be near", async || {
        let words = b"the flood comes";
        let said = tap.from_server();
        ensure!(said.windows(words.len()).any(|window| window == words), "not yet");
        Ok(())
    })
    .await?;
    let mut windowed = Asker::ready(&access).await?;
    let mut strict = Asker::ready(&gateway.access_to("strict", 0).await?).await?;
    metrics::receipts_are_in(gateway.edge_mut(0)?).await?;

    let broker = gateway.nats.pid().context("the broker does not run")?;
    pause(broker).await?;
    let before = tap.heard_from_server();
    strict.asks("a strict question").await?;
    windowed.tells("a windowed answer").await?;
    ensure!(!asked(&gateway, "a strict question").await?, "it was passed on unrecorded");
    stdin.write_all(format!("{flood};\n").as_bytes()).await?;
    eventually("the flood to be held up", async || {
        ensure!(before < tap.heard_from_server(), "nothing has come");
        let waits = "select count(*) from pg_stat_activity
                     where datname = current_database() and wait_event = 'ClientWrite'";
        ensure!(gateway.target.run(waits).await? == "1", "the target is not held up");
        Ok(())
    })
    .await?;
    windowed.asks("more than the window").await?;
    ensure!(!asked(&gateway, "a strict question").await?, "it was passed on unrecorded");
    let heard = tap.heard_from_server() - before;
    ensure!(heard <= WINDOW, "{heard} bytes have passed");
    signal(broker, "CONT")?;
    strict.hears("a strict question").await?;
    windowed.hears("more than the window").await?;
    drop(stdin);
    ensure!(timeout(patience(), flooded.wait()).await??.success(), "the flood broke off");
    ensure!(24_000_000 < tap.heard_from_server() - before, "a part of the flood is missing");
    strict.ends().await?;
    windowed.ends().await?;
    let words = ["the flood comes", "a windowed answer", "a strict question"];
    all_whole(&gateway, &person, &words.map(str::to_owned)).await
}
