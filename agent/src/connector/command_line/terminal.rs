//! A pseudo-terminal at the agent's end.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    pin::Pin,
    task::{Context, Poll, ready},
};

use hoop_proto::v1;
use pty_process::OwnedWritePty;
use rustix::termios::{Winsize, tcsetwinsize};
use tokio::io::AsyncWrite;

/// What a terminal is taken for that has no name, or none that can be one.
const UNKNOWN: &str = "xterm-256color";

/// Names of terminals are shorter than this.
const LONGEST_NAME: usize = 64;

/// Ctrl-D: how a terminal says that there is no more input.
const END_OF_INPUT: u8 = 4;

/// Changes the size of a terminal. While it lives, the terminal does.
#[derive(Debug)]
pub(crate) struct Resizer(OwnedFd);

/// What the user types.
pub(super) struct Input {
    inner: OwnedWritePty,
    end_sent: bool,
}

impl Resizer {
    pub(super) fn new(terminal: &impl AsFd) -> io::Result<Self> {
        terminal.as_fd().try_clone_to_owned().map(Self)
    }

    /// The command is told with SIGWINCH.
    pub(crate) fn resize(&self, columns: u32, rows: u32) {
        let side = |length: u32| u16::try_from(length.max(1)).unwrap_or(u16::MAX);
        let (ws_col, ws_row) = (side(columns), side(rows));
        // A terminal that is gone needs no size.
        let _ = tcsetwinsize(&self.0, Winsize { ws_row, ws_col, ws_xpixel: 0, ws_ypixel: 0 });
    }
}

impl Input {
    pub(super) const fn new(inner: OwnedWritePty) -> Self {
        Self { inner, end_sent: false }
    }
}

/// The value of `TERM`: it names a file for most programs, so it is checked.
pub(super) fn name(terminal: &v1::Terminal) -> &str {
    let good = |name: &str| {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"+-._".contains(&byte);
        name.len() <= LONGEST_NAME
            && name.bytes().all(known)
            && name.starts_with(|first: char| first.is_ascii_alphanumeric())
    };
    Some(terminal.term.as_str()).filter(|name| good(name)).unwrap_or(UNKNOWN)
}

impl AsyncWrite for Input {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.end_sent {
            ready!(Pin::new(&mut self.inner).poll_write(cx, &[END_OF_INPUT]))?;
            self.end_sent = true;
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_no_name_is_replaced() {
        for (given, used) in [
            ("screen.xterm-256color", "screen.xterm-256color"),
            ("../../etc/passwd", UNKNOWN),
            ("a\0b", UNKNOWN),
            ("", UNKNOWN),
        ] {
            let terminal = v1::Terminal { term: given.into(), columns: 0, rows: 0 };
            assert_eq!(name(&terminal), used, "{given:?}");
        }
    }
}
