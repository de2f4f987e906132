//! `hoop exec` and the terminal of `hoop connect`.

use std::{
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use hoop_testkit::patience;
use pty_process::Size;
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::Child,
};

use super::{Begun, Client, Kind, Place, Pulse, Site, Trouble};
use crate::{binaries, rest::text};

const BREATH: Duration = Duration::from_millis(50);

/// A shell with a prompt that no other has.
const SHELL: [&str; 5] = ["env", "PS1=remote> ", "bash", "--norc", "--noprofile"];

/// The bytes of a client that is here.
#[derive(Debug, Clone, Default)]
pub(in crate::crash) struct Kept {
    sent: Arc<Mutex<Vec<u8>>>,
    got: Arc<Mutex<Vec<u8>>>,
}

impl Kept {
    pub(in crate::crash) fn heard(&self) -> (Vec<u8>, Vec<u8>) {
        let read =
            |bytes: &Mutex<Vec<u8>>| bytes.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (read(&self.sent), read(&self.got))
    }

    fn sends(&self, bytes: &[u8]) {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
    }

    fn gets(&self, bytes: &[u8]) {
        self.got.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
    }

    fn has(&self, part: &[u8]) -> bool {
        let got = self.got.lock().unwrap_or_else(PoisonError::into_inner);
        got.windows(part.len()).any(|window| window == part)
    }
}

pub(super) async fn begin(site: &Site, place: Place, name: &str, pulse: Pulse) -> Result<Begun> {
    let terminal = place.kind == Kind::Terminal;
    let command: &[&str] = if terminal { &SHELL } else { &["cat"] };
    let agent = site.gateway.rest.agent(&format!("agent-{}", place.agent)).await?;
    let body = json!({
        "name": name, "type": "command-line", "agent_id": text(&agent, "id"), "command": command,
    });
    site.gateway.rest.post("/api/connections", body).await?;
    let person = site.people.get(place.edge).context("nobody calls this edge")?;
    let kept = Kept::default();
    let task = if terminal {
        let (pty, pts) = pty_process::open()?;
        pty.resize(Size::new(24, 80))?;
        let child = pty_process::Command::new(binaries::find("hoop")?)
            .args(["connect", name])
            .env_clear()
            .env("HOME", person.home())
            .env("TERM", "dumb")
            .kill_on_drop(true)
            .spawn(pts)?;
        tokio::spawn(typed(child, pty, kept.clone(), pulse))
    } else {
        let child = person.hoop(&["exec", name])?.stdin(Stdio::piped()).spawn()?;
        tokio::spawn(lines(child, kept.clone(), pulse))
    };
    Ok((Client::Kept(kept), None, task))
}

/// A line in, the same line out.
async fn lines(mut child: Child, kept: Kept, mut pulse: Pulse) -> Result<(), Trouble> {
    let mut stdin = child.stdin.take().context("no standard input")?;
    let mut stdout = BufReader::new(child.stdout.take().context("no standard output")?);
    loop {
        let line = format!("{:x}\n", pulse.random.next()).repeat(100);
        kept.sends(line.as_bytes());
        stdin.write_all(line.as_bytes()).await?;
        for expected in line.split_inclusive('\n') {
            let mut got = Vec::new();
            stdout.read_until(b'\n', &mut got).await?;
            kept.gets(&got);
            if got.is_empty() {
                return Err(Trouble::Broken(anyhow!("{}", complaint(child).await)));
            }
            if got != expected.as_bytes() && got.ends_with(b"\n") {
                return Err(Trouble::Wrong(String::from_utf8_lossy(&got).into_owned()));
            }
        }
        if !pulse.goes_on(BREATH).await {
            break;
        }
    }
    drop(stdin);
    let mut rest = Vec::new();
    stdout.read_to_end(&mut rest).await?;
    kept.gets(&rest);
    let status = child.wait().await?;
    if status.success() {
        return Ok(());
    }
    Err(Trouble::Broken(anyhow!("hoop exec ended with {status}: {}", complaint(child).await)))
}

async fn complaint(child: Child) -> String {
    let output = child.wait_with_output().await;
    let said = output.map(|output| String::from_utf8_lossy(&output.stderr).trim().to_owned());
    said.unwrap_or_else(|error| error.to_string())
}

/// A calculation typed, its result shown.
async fn typed(
    mut child: Child,
    pty: pty_process::Pty,
    kept: Kept,
    mut pulse: Pulse,
) -> Result<(), Trouble> {
    let (mut screen, mut keyboard) = pty.into_split();
    let shown = kept.clone();
    let reading = tokio::spawn(async move {
        let mut bytes = vec![0; 16 * 1024];
        // Linux ends a terminal that nobody holds any more with an error.
        while let Ok(count @ 1..) = screen.read(&mut bytes).await {
            shown.gets(bytes.get(..count).unwrap_or_default());
        }
    });
    // Raw from here on: what was typed before would be the local terminal's.
    shows(&kept, b"remote> ", &reading).await?;
    loop {
        let number = pulse.random.next() % 1_000_000;
        let keys = format!("echo tick-$(({number} * 3))\r");
        kept.sends(keys.as_bytes());
        keyboard.write_all(keys.as_bytes()).await?;
        shows(&kept, format!("\ntick-{}\r", number * 3).as_bytes(), &reading).await?;
        if !pulse.goes_on(BREATH).await {
            break;
        }
    }
    kept.sends(b"exit\r");
    keyboard.write_all(b"exit\r").await?;
    let status = child.wait().await?;
    // What is left of the screen; on a busy machine it comes a moment later.
    let _ended = tokio::time::timeout(patience(), reading).await;
    if status.success() {
        return Ok(());
    }
    Err(Trouble::Broken(anyhow!("hoop connect ended with {status}")))
}

/// Waits for `part`, or for the end of the terminal.
async fn shows(
    kept: &Kept,
    part: &[u8],
    reading: &tokio::task::JoinHandle<()>,
) -> Result<(), Trouble> {
    while !kept.has(part) {
        if reading.is_finished() {
            let (_, got) = kept.heard();
            let got = String::from_utf8_lossy(&got).into_owned();
            let last = got.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
            return Err(Trouble::Broken(anyhow!("the terminal ended: {last}")));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}
