//! Asks for a password: unseen on a terminal, a line from anything else.

use std::io::{self, BufRead, IsTerminal, Write};

use anyhow::{Result, ensure};
use hoop_domain::Secret;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// Reads one line from stdin, without echo when that is a terminal.
pub(crate) fn password(question: &str) -> io::Result<Secret<String>> {
    let stdin = io::stdin();
    let echo = if stdin.is_terminal() {
        write!(io::stderr(), "{question}: ")?;
        Some(Silence::begin()?)
    } else {
        None
    };
    let mut line = String::new();
    let read = stdin.lock().read_line(&mut line);
    if echo.is_some() {
        // The person's own line break was not shown.
        writeln!(io::stderr())?;
    }
    read?;
    let end = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(end);
    Ok(Secret::new(line))
}

/// Asks for a password that is to be. On a terminal, where nobody sees what they type, twice.
pub(crate) fn new_password() -> Result<Secret<String>> {
    let new = password("new password")?;
    if io::stdin().is_terminal() {
        let again = password("new password, again")?;
        ensure!(new.reveal() == again.reveal(), "these were two different passwords; try again");
    }
    Ok(new)
}

/// A terminal that shows nothing of what is typed, until this is dropped.
struct Silence(Termios);

impl Silence {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &silent)?;
        Ok(Self(before))
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
    }
}
