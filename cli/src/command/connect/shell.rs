//! The user's terminal, on the other side.

use std::time::Duration;

use anyhow::{Result, ensure};
use hoop_domain::ConnectionName;
use hoop_proto::v1::Terminal;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    command::open::{
        self,
        command::{Ending, Farewell, Remote},
    },
    context::Context,
    output::say,
    spinner, stdio,
    terminal::{self, Raw},
};

/// Lends the terminal until the remote command ends; its exit code.
pub(super) async fn run(
    name: &ConnectionName,
    arguments: Vec<String>,
    duration: Option<Duration>,
    context: &Context,
) -> Result<u8> {
    ensure!(
        terminal::is_interactive(),
        "hoop connect {name} needs a terminal; without one, use `hoop exec {name}`"
    );
    let session = open::connect(context, name, duration).await?;
    let (columns, rows) = terminal::size();
    let terminal = Terminal { term: terminal::name(), columns, rows };
    let starting = Remote::start(session, arguments, Some(terminal));
    let mut remote = spinner::during(&format!("waiting for {name}"), starting).await?;
    say(&format!("connection: {name} | session: {}", remote.id));
    let ending = lend(&mut remote).await;
    remote.end().await;
    match ending? {
        Ending::Exit { code, .. } => Ok(code),
        Ending::Cut => anyhow::bail!("the remote terminal was cut off"),
    }
}

async fn lend(remote: &mut Remote) -> Result<Ending> {
    let mut resized = signal(SignalKind::window_change())?;
    let mut farewell = Farewell::new()?;
    let _raw = Raw::begin()?;
    let channel = remote.channel;
    let (stdin, stdout) = (stdio::stdin()?, stdio::stdout()?);
    remote.pipe.attach_command(channel, stdin, stdout, tokio::io::sink());
    // It may have changed before anybody listened.
    let (columns, rows) = terminal::size();
    remote.pipe.resize(channel, columns, rows)?;
    loop {
        tokio::select! {
            biased;
            event = remote.pipe.event() => {
                let event = event.map_err(open::lost)?;
                if let Some(ending) = remote.happened(event)? {
                    return Ok(ending);
                }
            }
            Some(()) = resized.recv() => {
                let (columns, rows) = terminal::size();
                remote.pipe.resize(channel, columns, rows)?;
            }
            number = farewell.came() => {
                return Ok(Ending::Exit { code: 128 + number, signal: number.into() });
            }
        }
    }
}
