//! Asks for a password: unseen on a terminal, a line from anything else.

use std::io::{self, BufRead, IsTerminal, Write};

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
