//! How to tell that a child is ready.

use std::{net::Ipv4Addr, path::PathBuf};

use tokio::{
    fs,
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    net::TcpStream,
    process::ChildStdout,
    sync::oneshot,
    time::{self, Duration},
};

use crate::say::say;

/// Between two looks at something that does not tell by itself.
const PERIOD: Duration = Duration::from_millis(20);

/// How a broker greets.
const GREETING: &[u8] = b"INFO";

/// What a child does when it is ready.
#[derive(Debug, Clone)]
pub(crate) enum Ready {
    /// It prints a line that begins with `READY `.
    Line,
    /// PostgreSQL says so in this file, beside its process id.
    Postmaster(PathBuf),
    /// NATS greets on this port of loopback.
    Broker(u16),
}

impl Ready {
    pub(super) const fn reads_output(&self) -> bool {
        matches!(self, Self::Line)
    }
}

/// Looks out for it.
pub(super) enum Watch {
    Line(Option<oneshot::Receiver<()>>),
    Postmaster(PathBuf, u32),
    Broker(u16),
}

impl Watch {
    pub(super) fn new(
        ready: &Ready,
        name: &'static str,
        pid: u32,
        output: Option<ChildStdout>,
    ) -> Self {
        match ready {
            Ready::Line => Self::Line(output.map(|output| listen(name, output))),
            Ready::Postmaster(file) => Self::Postmaster(file.clone(), pid),
            Ready::Broker(port) => Self::Broker(*port),
        }
    }

    /// Waits for it, for ever when it can't come any more.
    pub(super) async fn seen(&mut self) {
        match self {
            Self::Line(line) => {
                let seen = match line.take() {
                    Some(line) => line.await.is_ok(),
                    None => false,
                };
                if !seen {
                    std::future::pending::<()>().await;
                }
            }
            Self::Postmaster(file, pid) => {
                while !accepts(file, *pid).await {
                    time::sleep(PERIOD).await;
                }
            }
            Self::Broker(port) => {
                while !greets(*port).await {
                    time::sleep(PERIOD).await;
                }
            }
        }
    }
}

/// Reads what a child prints to its end, and tells when it is ready.
fn listen(name: &'static str, output: ChildStdout) -> oneshot::Receiver<()> {
    let (sender, receiver) = oneshot::channel();
    let mut sender = Some(sender);
    tokio::spawn(async move {
        let mut lines = BufReader::new(output).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            if !line.starts_with("READY ") {
                say(&format!("{name}: {line}"));
            } else if let Some(sender) = sender.take() {
                // Nobody waits any more when it was asked to stop.
                let _unheard = sender.send(());
            }
        }
    });
    receiver
}

/// `postmaster.pid` has the process id in its first line and, once connections are
/// accepted, `ready` in its eighth.
async fn accepts(file: &PathBuf, pid: u32) -> bool {
    let Ok(text) = fs::read_to_string(file).await else { return false };
    let mut lines = text.lines().map(str::trim);
    lines.next() == Some(pid.to_string().as_str()) && lines.nth(6) == Some("ready")
}

async fn greets(port: u16) -> bool {
    let greeting = async {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.ok()?;
        let mut bytes = [0; GREETING.len()];
        stream.read_exact(&mut bytes).await.ok()?;
        Some(bytes == GREETING)
    };
    time::timeout(Duration::from_secs(1), greeting).await.ok().flatten().unwrap_or(false)
}
