//! `hoop exec CONNECTION`: runs a command once and ends as it did.

mod input;
mod outlet;

use anyhow::Result;
use hoop_client::session::Session;
use hoop_domain::ConnectionName;
use hoop_proto::v1::ExecInput;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use super::open::{
    self, Wanted,
    command::{Ending, Farewell, Remote},
};
use crate::{args::Exec, context::Context, output, spinner};
use input::Input;
use outlet::{Collected, Outlet};

/// There is no exit code of the remote command.
const LOST: u8 = 254;
/// Somebody pressed Ctrl-C and did not want to wait.
const INTERRUPTED: u8 = 130;
/// Nobody reads the output any more.
const BROKEN_PIPE: u8 = 141;

/// Runs it; the exit code.
pub(crate) async fn run(exec: Exec, context: Result<Context>) -> u8 {
    let run = async { self::exec(exec, &context?).await };
    run.await.unwrap_or_else(|error| {
        output::complain(&format!("{error:#}"));
        LOST
    })
}

async fn exec(exec: Exec, context: &Context) -> Result<u8> {
    let name: ConnectionName = exec.connection.parse()?;
    // Before a session is opened, which is recorded: what can't work should not be.
    let mut input = Input::prepare(&exec).await?;
    let session = open(context, &name, &exec.arguments, &mut input).await?;
    let starting = Remote::start(session, exec.arguments, None);
    let mut remote = spinner::during(&format!("waiting for {name}"), starting).await?;
    let (stdout, stderr) = (Outlet::stdout(context.json())?, Outlet::stderr(context.json())?);
    let (printed, complained) = (stdout.collected(), stderr.collected());
    let broken = stdout.broken();
    remote.pipe.attach_command(remote.channel, input.into_reader(), stdout, stderr);
    let ending = wait(&mut remote).await;
    let id = remote.id.clone();
    remote.end().await;
    match ending? {
        Some(Ending::Exit { code, signal }) => {
            if let Some((printed, complained)) = printed.zip(complained) {
                print(&id, code, signal, &printed, &complained)?;
            }
            Ok(code)
        }
        Some(Ending::Cut) if broken.is_set() => Ok(BROKEN_PIPE),
        Some(Ending::Cut) => anyhow::bail!("the remote command was cut off"),
        None => Ok(INTERRUPTED),
    }
}

/// Opens the session. Where somebody approves commands, all of the input is read first and
/// shown to them.
async fn open(
    context: &Context,
    name: &ConnectionName,
    arguments: &[String],
    input: &mut Input,
) -> Result<Session> {
    let wanted = |exec| Wanted { verb: open::EXEC, duration: None, exec };
    if let Some(session) = open::open(context, name, wanted(None)).await? {
        return Ok(session);
    }
    let exec = ExecInput { arguments: arguments.to_vec(), input: input.gather().await?.into() };
    match open::open(context, name, wanted(Some(exec))).await? {
        Some(session) => Ok(session),
        None => anyhow::bail!("{name}: the gateway did not take the command"),
    }
}

/// Waits for the end; nothing when the user does not want to.
async fn wait(remote: &mut Remote) -> Result<Option<Ending>> {
    let mut farewell = Farewell::new()?;
    // Made once: a signal that comes while an event is handled must not be lost.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut asked = false;
    loop {
        tokio::select! {
            biased;
            event = remote.pipe.event() => {
                let event = event.map_err(open::lost)?;
                if let Some(ending) = remote.happened(event)? {
                    return Ok(Some(ending));
                }
            }
            _ = interrupt.recv() => {
                if asked {
                    return Ok(None);
                }
                asked = true;
                remote.pipe.cancel(remote.channel)?;
                output::say("hoop: asked the remote command to stop; Ctrl-C again does not wait for it");
            }
            _ = farewell.came() => return Ok(None),
        }
    }
}

fn print(
    id: &str,
    code: u8,
    signal: i32,
    printed: &Collected,
    complained: &Collected,
) -> Result<()> {
    output::print_json(&json!({
        "session": id,
        "exit_code": code,
        "signal": if signal == 0 { None } else { Some(signal) },
        "output": printed.text(),
        "error_output": complained.text(),
        "truncated": printed.truncated() || complained.truncated(),
    }))
}
