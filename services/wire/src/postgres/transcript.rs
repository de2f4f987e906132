//! A recorded session as a person wants to read it: what was asked, what came back, how
//! long it took.
//!
//! Feed it the bytes of both directions in the order of the recording and take
//! [`Exchange`]s out. It holds a bounded amount of memory whatever goes by: rows and COPY
//! data are counted and never kept, and a long statement is kept up to [`LONGEST_SQL`].
//!
//! ```text
//! client:  Parse Bind Execute Sync          a queue of what was asked …
//! server:  1     2    D D D C    Z          … and answers, which belong to its front
//! ```
//!
//! The recording begins after the login, so everything here is a message with a type.

mod asked;
mod bind;
mod capture;
mod client;
mod kept;
mod server;
mod value;

use std::collections::VecDeque;

use asked::Asked;
use capture::Capture;
use kept::{Kept, Portal, Statement};

/// Bytes of SQL that are kept of one statement.
pub const LONGEST_SQL: usize = 64 * 1024;

/// Bytes that are shown of one parameter.
pub const LONGEST_PARAMETER: usize = 4 * 1024;

/// Command tags that are kept of one exchange; a script of thousands of statements in one
/// message has no more of them here.
const MOST_TAGS: usize = 64;

/// Questions without an answer. A pipeline holds some ten thousands: what fits into the
/// buffers between client and server.
const MOST_ASKED: usize = 1 << 18;

/// Who sent some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// The user's client.
    Client,
    /// The database.
    Server,
}

/// How something was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Simple query: one message, perhaps with several statements.
    Simple,
    /// Extended query: parsed, bound, executed.
    Extended,
    /// Either of them, with COPY data.
    Copy,
    /// A function call by number.
    Function,
    /// Nothing was asked: the server reported an error by itself.
    Unasked,
}

impl Kind {
    /// The name in APIs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Extended => "extended",
            Self::Copy => "copy",
            Self::Function => "function",
            Self::Unasked => "unasked",
        }
    }
}

/// An error of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Five characters.
    pub sqlstate: String,
    /// The sentence.
    pub message: String,
}

/// One question and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// How it was asked.
    pub kind: Kind,
    /// The statement, or the statements of one simple query.
    pub sql: String,
    /// The bound values, as text where that can be known, else as `\x` and hex digits;
    /// `None` is NULL.
    pub parameters: Vec<Option<String>>,
    /// Whether the statement or a value was longer than what is kept.
    pub truncated: bool,
    /// When the client asked, microseconds since the epoch.
    pub started_at: i64,
    /// When the server was done; `None` when the recording ends before that.
    pub finished_at: Option<i64>,
    /// What the server did, a tag for each statement: `SELECT 1`, `INSERT 0 5`.
    pub tags: Vec<String>,
    /// Rows that were returned.
    pub rows: u64,
    /// Bytes from the client: the statement and its COPY data.
    pub bytes_in: u64,
    /// Bytes of messages from the server.
    pub bytes_out: u64,
    /// The first error, if there was one.
    pub error: Option<Failure>,
}

impl Exchange {
    /// All tags in one line.
    #[must_use]
    pub fn tag(&self) -> String {
        self.tags.join("; ")
    }

    fn begin(kind: Kind, started_at: i64) -> Self {
        Self {
            kind,
            sql: String::new(),
            parameters: Vec::new(),
            truncated: false,
            started_at,
            finished_at: None,
            tags: Vec::new(),
            rows: 0,
            bytes_in: 0,
            bytes_out: 0,
            error: None,
        }
    }

    fn add_tag(&mut self, tag: String) {
        if self.tags.len() < MOST_TAGS {
            self.tags.push(tag);
        }
    }
}

/// Where two streams of messages are.
#[derive(Debug, Default)]
enum Phase {
    /// Messages as usual.
    #[default]
    Asking,
    /// The client sends COPY data.
    CopyingIn,
    /// The server skips everything up to the next Sync, because of an error.
    Skipping,
    /// The bytes made no sense.
    Lost,
}

/// Reads a recording.
#[derive(Debug, Default)]
pub struct Transcript {
    client: Capture,
    server: Capture,
    phase: Phase,
    asked: VecDeque<Asked>,
    /// Bytes of text in `asked`.
    weight: usize,
    statements: Kept<Statement>,
    portals: Kept<Portal>,
    done: VecDeque<Exchange>,
}

impl Transcript {
    /// Begins after the login.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes that were recorded at `at`, in the order of the recording.
    pub fn feed(&mut self, sender: Sender, at: i64, mut bytes: &[u8]) {
        let mut capture = std::mem::take(match sender {
            Sender::Client => &mut self.client,
            Sender::Server => &mut self.server,
        });
        while !self.lost() {
            match capture.next(sender, &mut bytes) {
                Ok(Some(message)) => match sender {
                    Sender::Client => self.client_said(at, message),
                    Sender::Server => self.server_said(at, message),
                },
                Ok(None) => break,
                Err(_) => self.phase = Phase::Lost,
            }
        }
        match sender {
            Sender::Client => self.client = capture,
            Sender::Server => self.server = capture,
        }
    }

    /// The next exchange that is over, oldest first.
    pub fn next_exchange(&mut self) -> Option<Exchange> {
        self.done.pop_front()
    }

    /// Whether the bytes stopped making sense; what was read before that stands.
    #[must_use]
    pub const fn lost(&self) -> bool {
        matches!(self.phase, Phase::Lost)
    }

    /// What was never answered, after everything that was. To be called at the end.
    #[must_use]
    pub fn finish(mut self) -> Vec<Exchange> {
        while let Some(asked) = self.asked.pop_front() {
            self.assume_answered(asked);
        }
        self.done.into()
    }
}

#[cfg(test)]
mod tests;
