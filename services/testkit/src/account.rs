//! The account that database servers run as when we are root: they refuse to be root.

use std::{
    os::unix::fs::chown,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};

/// Who runs a server and owns its files.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Account {
    /// Nobody else when we are not root.
    other: Option<(u32, u32)>,
}

impl Account {
    /// We ourselves; when we are root, the account called `name`.
    pub(crate) fn find(name: &str) -> Result<Self> {
        if id(&["-u"])? != 0 {
            return Ok(Self { other: None });
        }
        let user = id(&["-u", name]).context("a database server can't run as root")?;
        Ok(Self { other: Some((user, id(&["-g", name])?)) })
    }

    /// A program that runs as this account, in `folder`.
    pub(crate) fn command(&self, program: &Path, folder: &Path) -> Command {
        let mut command = match self.other {
            None => Command::new(program),
            Some((user, group)) => {
                let mut command = Command::new("setpriv");
                command
                    .arg(format!("--reuid={user}"))
                    .arg(format!("--regid={group}"))
                    .args(["--clear-groups", "--"])
                    .arg(program);
                command
            }
        };
        command.current_dir(folder);
        command
    }

    /// Makes `path` this account's.
    pub(crate) fn give(&self, path: &Path) -> Result<()> {
        if let Some((user, group)) = self.other {
            chown(path, Some(user), Some(group))
                .with_context(|| format!("give {} to another account", path.display()))?;
        }
        Ok(())
    }
}

/// Runs `command` with `input` to its end.
pub(crate) fn run(mut command: Command, input: &str) -> Result<()> {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        std::io::Write::write_all(&mut stdin, input.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    ensure!(
        output.status.success(),
        "{command:?} failed:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

fn id(arguments: &[&str]) -> Result<u32> {
    let output = Command::new("id").args(arguments).output().context("run id")?;
    ensure!(output.status.success(), "id {}: no such account", arguments.join(" "));
    Ok(String::from_utf8_lossy(&output.stdout).trim().parse()?)
}
