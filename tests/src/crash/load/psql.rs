//! A `psql` that is told what to do, and whose answers are known.

use std::{process::Stdio, time::Duration};

use anyhow::Context;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout},
};

use super::{Pulse, Trouble};
use crate::Access;

/// Between two queries.
const BREATH: Duration = Duration::from_millis(40);

/// A running `psql`.
pub(super) struct Talker {
    child: Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Talker {
    pub(super) fn start(access: &Access) -> anyhow::Result<Self> {
        let mut command = access.psql();
        // In clear, so that what passed can be compared with what was recorded.
        command.env("PGSSLMODE", "disable").env("PGGSSENCMODE", "disable");
        let mut child = command.args(["-At", "-q"]).stdin(Stdio::piped()).spawn()?;
        let stdin = child.stdin.take().context("no standard input")?;
        let stdout = child.stdout.take().context("no standard output")?;
        Ok(Self { child, stdin, lines: BufReader::new(stdout).lines() })
    }

    pub(super) async fn say(&mut self, words: &str) -> Result<(), Trouble> {
        Ok(self.stdin.write_all(words.as_bytes()).await?)
    }

    /// The next line; what it complained about when there is none.
    pub(super) async fn line(&mut self) -> Result<String, Trouble> {
        match self.lines.next_line().await? {
            Some(line) => Ok(line),
            None => Err(Trouble::Broken(anyhow::anyhow!("{}", self.complaint().await))),
        }
    }

    async fn complaint(&mut self) -> String {
        let mut said = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            let _unreadable = stderr.read_to_string(&mut said).await;
        }
        said.trim().replace('\n', " / ")
    }

    /// Has it end.
    pub(super) async fn quit(mut self) -> Result<(), Trouble> {
        drop(self.stdin);
        while self.lines.next_line().await?.is_some() {}
        let status = self.child.wait().await?;
        if status.success() {
            return Ok(());
        }
        let mut said = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            stderr.read_to_string(&mut said).await?;
        }
        Err(Trouble::Broken(anyhow::anyhow!("psql ended with {status}: {}", said.trim())))
    }
}

/// One query after another, each with another answer.
pub(super) async fn queries(access: Access, mut pulse: Pulse) -> Result<(), Trouble> {
    let mut psql = Talker::start(&access)?;
    loop {
        let (number, length) = (pulse.random.next() % 1_000_000, pulse.random.within(0, 20_000));
        let letter = char::from(b'a' + u8::try_from(number % 26).unwrap_or(0));
        psql.say(&format!("select {number} * 7 || repeat('{letter}', {length});\n")).await?;
        let line = psql.line().await?;
        let digits = (number * 7).to_string();
        let letters = line.strip_prefix(&digits).unwrap_or_default();
        let right = u64::try_from(letters.len()) == Ok(length)
            && line.starts_with(&digits)
            && letters.chars().all(|found| found == letter);
        if !right {
            return Err(Trouble::Wrong(format!("{} bytes for query {number}", line.len())));
        }
        if !pulse.goes_on(BREATH).await {
            return psql.quit().await;
        }
    }
}
