//! Starts a command, with pipes or on a terminal.

use std::{
    ffi::OsStr,
    io::{self, Cursor},
    process::Stdio,
    sync::Arc,
};

use hoop_domain::EndReason;
use hoop_proto::v1::{ExecOpen, Terminal};
use rustix::process::Pid;
use tokio::{
    io::{empty, sink},
    process::{Child, Command},
};

use super::{
    CommandLine, Exit, Resizer, Running, Started,
    group::Group,
    output::Outputs,
    running::Process,
    terminal::{self, Input},
};
use crate::{connector::Failure, private_files::PrivateDir};

/// The size of a terminal whose client says nothing.
const SIZE: (u32, u32) = (80, 24);

pub(super) fn start(
    line: &CommandLine,
    open: &ExecOpen,
    files: Option<PrivateDir>,
    paths: &[(String, String)],
) -> Result<Started, Failure> {
    let terminal = open.terminal.as_ref();
    let search = line.surroundings.environment().iter().find(|(name, _)| name == "PATH");
    let search = search.map(|(_, path)| path.as_os_str());
    let words = line.program.words(terminal.is_some(), paths, search);
    let Some((program, own)) = words.split_first() else {
        return Err(Failure::misconfigured(format_args!("the connection has no command")));
    };
    let mut command = Command::new(program);
    command.args(own).args(&open.arguments).kill_on_drop(true);
    environment(&mut command, line, terminal, paths);
    let started = match terminal {
        Some(terminal) => on_terminal(line, command, terminal, files),
        None => with_pipes(line, command, files),
    };
    started.or_else(|error| match error {
        pty_process::Error::Io(error) => {
            Ok(never(line.program.not_started(program, &error), terminal.is_some()))
        }
        error => {
            let message = "the agent's host has no terminal to give";
            Err(Failure::new(EndReason::TargetUnreachable, message).because(error))
        }
    })
}

fn environment(
    command: &mut Command,
    line: &CommandLine,
    terminal: Option<&Terminal>,
    paths: &[(String, String)],
) {
    let term = terminal.map_or("dumb", terminal::name);
    command
        .env_clear()
        .envs(line.surroundings.environment().iter().map(|(name, value)| (name, value)));
    command.env("TERM", term);
    command.envs(line.facts.iter().map(|(name, value)| (OsStr::new(name), value)));
    command.envs(line.given.variables.iter().map(|(name, value)| (name, value.reveal())));
    command.envs(paths.iter().map(|(name, path)| (name, path)));
    if let Some(folder) = line.surroundings.folder() {
        command.current_dir(folder);
    }
}

fn with_pipes(
    line: &CommandLine,
    mut command: Command,
    files: Option<PrivateDir>,
) -> pty_process::Result<Started> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = command.spawn()?;
    let outputs = Arc::<Outputs>::default();
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(stdin), Some(stdout), Some(stderr)) = (stdin, stdout, stderr) else {
        return Err(io::Error::other("a pipe is missing").into());
    };
    Ok(Started {
        stdin: Box::new(stdin),
        stdout: Box::new(outputs.watch(stdout)),
        stderr: Some(Box::new(outputs.watch(stderr))),
        resizer: None,
        running: running(line, child, outputs, files, false)?,
    })
}

fn on_terminal(
    line: &CommandLine,
    command: Command,
    terminal: &Terminal,
    files: Option<PrivateDir>,
) -> pty_process::Result<Started> {
    let (pty, pts) = pty_process::open()?;
    let resizer = Resizer::new(&pty)?;
    let (columns, rows) = match terminal {
        Terminal { columns: 0, .. } | Terminal { rows: 0, .. } => SIZE,
        Terminal { columns, rows, .. } => (*columns, *rows),
    };
    resizer.resize(columns, rows);
    let child = pty_process::Command::from(command).spawn(pts)?;
    let outputs = Arc::<Outputs>::default();
    let (reader, writer) = pty.into_split();
    Ok(Started {
        stdin: Box::new(Input::new(writer)),
        stdout: Box::new(outputs.watch(reader)),
        stderr: None,
        resizer: Some(resizer),
        running: running(line, child, outputs, files, true)?,
    })
}

fn running(
    line: &CommandLine,
    child: Child,
    outputs: Arc<Outputs>,
    files: Option<PrivateDir>,
    session: bool,
) -> io::Result<Running> {
    let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let id = id.ok_or_else(|| io::Error::other("the process has no id"))?;
    let group = Arc::new(Group::new(id, session, Arc::clone(&line.surroundings)));
    Ok(Running::Process(Box::new(Process { child, group, outputs, files })))
}

/// A command that says why it did not start, where its errors would be.
fn never((code, mut sentence): (i32, String), terminal: bool) -> Started {
    let exit = Exit { code, signal: 0 };
    let (stdin, resizer, running) = (Box::new(sink()), None, Running::Never(exit));
    if terminal {
        sentence = sentence.replace('\n', "\r\n");
        let stdout = Box::new(Cursor::new(sentence.into_bytes()));
        return Started { stdin, stdout, stderr: None, resizer, running };
    }
    let stderr = Some(Box::new(Cursor::new(sentence.into_bytes())) as _);
    Started { stdin, stdout: Box::new(empty()), stderr, resizer, running }
}
