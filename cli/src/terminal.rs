//! The user's own terminal: its size, and raw while another one shines through it.

use std::{
    env,
    io::{self, IsTerminal, Write},
};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

/// What programs switch on and may leave on when they are cut off: colours, a hidden cursor,
/// bracketed paste, mouse reports, application keys, the alternate screen.
const RESET: &str = "\u{1b}[0m\u{1b}[?25h\u{1b}[?2004l\u{1b}[?1000l\u{1b}[?1002l\u{1b}[?1003l\u{1b}[?1006l\u{1b}[?1l\u{1b}>\u{1b}[?47l";

/// Whether a person types and reads here.
pub(crate) fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Columns and rows of the terminal, when it knows them.
pub(crate) fn size() -> (u32, u32) {
    match tcgetwinsize(io::stdout()) {
        Ok(size) if size.ws_col != 0 && size.ws_row != 0 => {
            (size.ws_col.into(), size.ws_row.into())
        }
        _ => (80, 24),
    }
}

/// What the terminal calls itself.
pub(crate) fn name() -> String {
    env::var_os("TERM")
        .and_then(|name| name.into_string().ok())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "xterm".into())
}

/// A terminal that hands every key on, until this is dropped, however that comes about.
pub(crate) struct Raw {
    before: Termios,
}

impl Raw {
    pub(crate) fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(io::stdin(), OptionalActions::Now, &raw)?;
        Ok(Self { before })
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        reset();
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}

/// Takes back what a program may have left switched on.
pub(crate) fn reset() {
    let mut stdout = io::stdout().lock();
    let _ = stdout.write_all(RESET.as_bytes()).and_then(|()| stdout.flush());
}
