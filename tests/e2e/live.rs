//! Following a session while it happens, without a gap or a repeat where stored, waiting and
//! new packets meet.

use anyhow::{Context, ensure};
use hoop_testkit::eventually;
use hoop_tests::{
    Access, Gateway, Rest,
    gateway::CONNECTION,
    rest::{Tail, text},
};
use serde_json::Value;
use tokio::{io::AsyncWriteExt, process::Child};

use crate::Result;

/// A `psql` that is told what to do on standard input.
pub(crate) struct Talker {
    child: Child,
    stdin: tokio::process::ChildStdin,
    said: usize,
}

impl Talker {
    pub(crate) fn start(access: &Access) -> Result<Self> {
        let mut command = access.psql();
        command.arg("-At").stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::null());
        let mut child = command.spawn()?;
        let stdin = child.stdin.take().context("no standard input")?;
        Ok(Self { child, stdin, said: 0 })
    }

    /// Sends `count` more statements, each with an answer of some kilobytes.
    async fn say(&mut self, count: usize) -> Result {
        for _ in 0..count {
            self.said += 1;
            let line = format!("select {}, repeat('x', {});\n", self.said, self.said % 50 * 200);
            self.stdin.write_all(line.as_bytes()).await?;
        }
        self.stdin.flush().await?;
        Ok(())
    }

    /// Sends this statement.
    pub(crate) async fn tell(&mut self, statement: &str) -> Result {
        self.stdin.write_all(format!("{statement};\n").as_bytes()).await?;
        Ok(self.stdin.flush().await?)
    }

    pub(crate) async fn end(mut self) -> Result {
        drop(self.stdin);
        ensure!(self.child.wait().await?.success());
        Ok(())
    }
}

/// The id of the only session of the usual connection, when it is there.
pub(crate) async fn live(rest: &Rest) -> Result<String> {
    eventually("a session", async || {
        let session = rest.only_session(CONNECTION).await?;
        Ok(text(&session, "id").to_owned())
    })
    .await
}

/// Follows a session in a task of its own.
fn follow(rest: &Rest, id: &str, after: Option<String>) -> tokio::task::JoinHandle<Result<Tail>> {
    let (rest, id) = (rest.clone(), id.to_owned());
    tokio::spawn(async move { rest.tail(&id, after.as_deref(), |_| false).await })
}

/// All packets in the order of the recording.
pub(crate) async fn recorded(rest: &Rest, id: &str) -> Result<Vec<Value>> {
    let mut all = Vec::new();
    rest.download(&format!("/api/sessions/{id}/download?format=jsonl"), |piece| all.extend(piece))
        .await?;
    let lines = all.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| Ok(serde_json::from_slice(line)?)).collect()
}

/// Fails unless the tail told exactly the recording from packet `from` on, in its order.
fn told(tail: &Tail, recorded: &[Value], from: usize) -> Result {
    let expected = recorded.get(from..).context("more was told than recorded")?;
    for (number, ((_, told), recorded)) in tail.packets.iter().zip(expected).enumerate() {
        ensure!(told.0 == *recorded, "packet {number} after {from} differs: {told:?}");
    }
    let (told, expected) = (tail.packets.len(), expected.len());
    ensure!(told == expected, "{told} packets were told, {expected} recorded");
    ensure!(tail.end.is_some(), "it was cut off");
    Ok(())
}

#[tokio::test]
async fn tails_from_the_start_and_from_the_middle_tell_exactly_the_recording() -> Result {
    for edge in 0..2 {
        let gateway = Gateway::usual().await?;
        let rest = gateway.rest.clone();
        let mut psql = Talker::start(&gateway.access(edge).await?)?;
        psql.say(5).await?;
        let id = live(&rest).await?;
        let first = follow(&rest, &id, None);
        psql.say(500).await?;
        eventually("something to be stored", async || {
            let session = rest.session(&id).await?;
            ensure!(0 < session.get("packets_in").and_then(Value::as_u64).unwrap_or_default());
            Ok(())
        })
        .await?;
        let second = follow(&rest, &id, None);
        psql.say(500).await?;
        let part = rest.tail(&id, None, |tail| 100 <= tail.packets.len()).await?;
        let (seen, (last, _)) = (part.packets.len(), part.packets.last().context("nothing")?);
        let third = follow(&rest, &id, Some(last.clone()));
        psql.say(500).await?;
        psql.end().await?;
        let tails = [(first.await??, 0), (second.await??, 0), (third.await??, seen)];
        rest.session_done(&id).await?;
        let recorded = recorded(&rest, &id).await?;
        for (tail, from) in &tails {
            told(tail, &recorded, *from)?;
            let end = tail.end.clone().unwrap_or_default();
            ensure!(text(&end, "reason") == "client_closed", "{end}");
        }
        // Over is over: everything, and the end.
        told(&rest.tail(&id, None, |_| false).await?, &recorded, 0)?;
    }
    Ok(())
}

#[tokio::test]
async fn a_tail_goes_on_while_the_audit_writer_is_away_and_after_it_is_back() -> Result {
    let mut gateway = Gateway::usual().await?;
    let rest = gateway.rest.clone();
    let mut psql = Talker::start(&gateway.access(1).await?)?;
    psql.say(100).await?;
    let id = live(&rest).await?;
    let tail = follow(&rest, &id, None);
    gateway.audit_writer.kill()?;
    psql.say(100).await?;
    // What nobody has stored is told all the same.
    let unstored = rest.tail(&id, None, |tail| 200 <= tail.packets.len()).await?;
    ensure!(200 <= unstored.packets.len());
    gateway.audit_writer.start()?;
    psql.say(100).await?;
    psql.end().await?;
    let tail = tail.await??;
    rest.session_done(&id).await?;
    told(&tail, &recorded(&rest, &id).await?, 0)
}

#[tokio::test]
async fn a_tail_that_reads_nothing_holds_up_nobody() -> Result {
    let gateway = Gateway::usual().await?;
    let rest = gateway.rest.clone();
    let mut psql = Talker::start(&gateway.access(1).await?)?;
    psql.say(1).await?;
    let id = live(&rest).await?;
    let mut silent =
        tokio::net::TcpStream::connect(gateway.api_url.trim_start_matches("http://")).await?;
    let token = rest.token().context("not logged in")?;
    let request = format!(
        "GET /api/sessions/{id}/tail HTTP/1.1\r\nHost: hoop\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    silent.write_all(request.as_bytes()).await?;
    psql.stdin.write_all(b"select repeat('x', 1000) from generate_series(1, 30000);\n").await?;
    psql.say(10).await?;
    psql.end().await?;
    let session = rest.session_done(&id).await?;
    ensure!(text(&session, "end_reason") == "client_closed", "{session}");
    told(&rest.tail(&id, None, |_| false).await?, &recorded(&rest, &id).await?, 0)
}

#[tokio::test]
async fn people_follow_their_own_sessions_and_nobody_elses() -> Result {
    let gateway = Gateway::usual().await?;
    gateway.access(1).await?.answer("select 1").await?;
    let id = crate::recording::finished(&gateway.rest).await?;
    let other = gateway.rest.user_create("dba@example.com", &["dba"]).await?;
    let refused = other.tail(&id, None, |_| false).await;
    ensure!(refused.is_err_and(|error| error.to_string().contains("404")));
    let nonsense = gateway.rest.tail(&id, Some("yesterday"), |_| false).await;
    ensure!(nonsense.is_err_and(|error| error.to_string().contains("422")));
    Ok(())
}

#[tokio::test]
async fn who_loses_what_lets_them_follow_is_cut_off_and_told() -> Result {
    let gateway = Gateway::usual().await?;
    let rest = gateway.rest.clone();
    let mut psql = Talker::start(&gateway.access(1).await?)?;
    psql.say(10).await?;
    let id = live(&rest).await?;
    let eve = "/api/users/eve@example.com";
    let mut watchers = Vec::new();
    for (email, groups) in [("eve@example.com", ["auditor"]), ("bob@example.com", ["auditor"])] {
        let watcher = rest.user_create(email, &groups).await?;
        // They follow already when something is taken away from one of them.
        watcher.tail(&id, None, |tail| 10 <= tail.packets.len()).await?;
        watchers.push(follow(&watcher, &id, None));
    }
    let body = serde_json::json!({ "groups": ["auditor"], "status": "inactive" });
    let answer = rest.send(reqwest::Method::PUT, eve, body).await?;
    ensure!(answer.status.is_success(), "{answer:?}");
    let mut watchers = watchers.into_iter();
    let cut_off = watchers.next().context("nobody follows")?.await??;
    let told = cut_off.error.context("it was not told")?;
    ensure!(text(&told, "message").contains("may not follow this session any more"), "{told}");
    ensure!(cut_off.end.is_none());
    psql.say(10).await?;
    psql.end().await?;
    let other = watchers.next().context("nobody else follows")?.await??;
    rest.session_done(&id).await?;
    self::told(&other, &recorded(&rest, &id).await?, 0)
}
