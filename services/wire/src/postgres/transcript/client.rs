//! What the client says.

use super::{
    Asked, Exchange, Kind, LONGEST_SQL, MOST_ASKED, Phase, Transcript,
    asked::Target,
    bind::Bind,
    capture::Message,
    kept::{MOST_TEXT, Statement},
};
use crate::postgres::body::Body;

impl Transcript {
    pub(super) fn client_said(&mut self, at: i64, message: Message<'_>) {
        match (&self.phase, message.tag) {
            (Phase::CopyingIn, b'd') => self.count_copied(message.size),
            (Phase::CopyingIn, b'c' | b'f') => {
                self.count_copied(message.size);
                self.phase = Phase::Asking;
            }
            // The server overlooks Sync and Flush here, and takes nothing else.
            (Phase::CopyingIn, _) | (Phase::Lost, _) => {}
            (Phase::Skipping, b'S') => {
                self.phase = Phase::Asking;
                self.ask(Asked::Sync);
            }
            (Phase::Skipping, _) => {}
            (Phase::Asking, _) => {
                if let Some(asked) = read(at, message) {
                    self.ask(asked);
                }
            }
        }
    }

    fn ask(&mut self, mut asked: Asked) {
        if MOST_TEXT < self.weight + asked.weight() {
            asked.shorten();
        }
        let weight = self.weight + asked.weight();
        if 2 * MOST_TEXT < weight || MOST_ASKED <= self.asked.len() {
            self.phase = Phase::Lost;
        } else {
            self.weight = weight;
            self.asked.push_back(asked);
        }
    }

    fn count_copied(&mut self, size: u64) {
        if let Some(running) = self.running() {
            running.bytes_in += size;
        }
    }
}

fn read(at: i64, message: Message<'_>) -> Option<Asked> {
    let mut body = Body::new(message.kept);
    Some(match message.tag {
        b'Q' => {
            let mut exchange = Exchange::begin(Kind::Simple, at);
            (exchange.sql, exchange.truncated) = sql(body.rest(), message.whole);
            exchange.bytes_in = message.size;
            Asked::Simple(Box::new(exchange))
        }
        b'F' => {
            let mut exchange = Exchange::begin(Kind::Function, at);
            exchange.bytes_in = message.size;
            Asked::Function(Box::new(exchange))
        }
        b'P' => {
            let name = body.text()?;
            Asked::Parse { name, statement: statement(body, message.whole), at }
        }
        b'B' => Asked::Bind { bind: Bind::decode(message.kept, message.whole)?, at },
        b'E' => Asked::Execute { portal: body.text()?, at, running: None },
        b'D' => Asked::Describe { target: target(body)?, at },
        b'C' => Asked::Close { target: target(body)? },
        b'S' => Asked::Sync,
        // Terminate, Flush, COPY data that comes too late: none is answered.
        _ => return None,
    })
}

/// The statement, the number of types, the types.
fn statement(mut body: Body<'_>, whole: bool) -> Statement {
    let (sql, truncated) = sql(body.rest(), whole);
    // The types are behind the SQL, so they are there only when all of that is.
    let types = body.cstr().and_then(|_| body.u16()).unwrap_or(0);
    let types = (0..types).map_while(|_| body.u32()).collect();
    Statement { sql, truncated, types }
}

fn target(mut body: Body<'_>) -> Option<Target> {
    match body.u8()? {
        b'S' => Some(Target::Statement(body.text()?)),
        b'P' => Some(Target::Portal(body.text()?)),
        _ => None,
    }
}

/// Text up to its zero byte or up to what is kept; whether it goes on.
fn sql(bytes: &[u8], whole: bool) -> (String, bool) {
    let end = bytes.iter().position(|byte| *byte == 0);
    let (bytes, ends) = match end {
        Some(end) => (bytes.get(..end).unwrap_or_default(), true),
        None => (bytes, whole),
    };
    let shown = bytes.get(..LONGEST_SQL).unwrap_or(bytes);
    let truncated = !ends || shown.len() < bytes.len();
    let text = String::from_utf8_lossy(shown);
    // A character may have been cut in two.
    let text = if truncated { text.trim_end_matches('\u{fffd}') } else { &*text };
    (text.to_owned(), truncated)
}
