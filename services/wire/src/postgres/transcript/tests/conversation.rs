//! Writing conversations down.

use super::super::*;
use crate::postgres::{
    backend,
    error::{Severity, encode},
    frame::{write, write_text},
};

/// A transcript and a clock that ticks with every message.
#[derive(Default)]
pub(super) struct Conversation {
    transcript: Transcript,
    now: i64,
    pub(super) done: Vec<Exchange>,
}

impl Conversation {
    fn feed(&mut self, sender: Sender, bytes: &[u8]) -> &mut Self {
        self.now += 1;
        // In two pieces: nothing may depend on where a packet ends.
        let (one, two) = bytes.split_at(bytes.len() / 2);
        self.transcript.feed(sender, self.now, one);
        self.transcript.feed(sender, self.now, two);
        while let Some(exchange) = self.transcript.next_exchange() {
            self.done.push(exchange);
        }
        self
    }

    pub(super) fn client(&mut self, tag: u8, body: &[u8]) -> &mut Self {
        self.feed(Sender::Client, &message(tag, body))
    }

    pub(super) fn server(&mut self, tag: u8, body: &[u8]) -> &mut Self {
        self.feed(Sender::Server, &message(tag, body))
    }

    pub(super) fn query(&mut self, sql: &str) -> &mut Self {
        self.client(b'Q', &text(&[sql]))
    }

    pub(super) fn parse(&mut self, name: &str, sql: &str, types: &[u32]) -> &mut Self {
        let mut body = text(&[name, sql]);
        body.extend(u16::try_from(types.len()).unwrap().to_be_bytes());
        body.extend(types.iter().flat_map(|number| number.to_be_bytes()));
        self.client(b'P', &body)
    }

    /// Binds; with `format` for all values.
    pub(super) fn bind(
        &mut self,
        portal: &str,
        statement: &str,
        format: u16,
        values: &[Option<&[u8]>],
    ) -> &mut Self {
        let mut body = text(&[portal, statement]);
        body.extend([0, 1]);
        body.extend(format.to_be_bytes());
        body.extend(u16::try_from(values.len()).unwrap().to_be_bytes());
        for value in values {
            match value {
                None => body.extend((-1_i32).to_be_bytes()),
                Some(value) => {
                    body.extend(i32::try_from(value.len()).unwrap().to_be_bytes());
                    body.extend(*value);
                }
            }
        }
        body.extend([0, 0]);
        self.client(b'B', &body)
    }

    pub(super) fn execute(&mut self, portal: &str) -> &mut Self {
        let mut body = text(&[portal]);
        body.extend([0; 4]);
        self.client(b'E', &body)
    }

    pub(super) fn sync(&mut self) -> &mut Self {
        self.client(b'S', b"")
    }

    pub(super) fn rows(&mut self, count: usize) -> &mut Self {
        for _ in 0..count {
            self.server(b'D', b"\0\x01\0\0\0\x011");
        }
        self
    }

    pub(super) fn complete(&mut self, tag: &str) -> &mut Self {
        self.server(b'C', &text(&[tag]))
    }

    pub(super) fn ready(&mut self) -> &mut Self {
        let mut out = Vec::new();
        backend::ready_for_query(&mut out);
        self.feed(Sender::Server, &out)
    }

    pub(super) fn fail(&mut self, sqlstate: &str) -> &mut Self {
        let mut out = Vec::new();
        encode(&mut out, Severity::Error, sqlstate, "no", None);
        self.feed(Sender::Server, &out)
    }

    pub(super) fn lost(&self) -> bool {
        self.transcript.lost()
    }

    /// What came out, and what was never answered.
    pub(super) fn end(&mut self) -> (Vec<Exchange>, Vec<Exchange>) {
        (std::mem::take(&mut self.done), std::mem::take(&mut self.transcript).finish())
    }
}

pub(super) fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out, tag, |out| out.extend_from_slice(body));
    out
}

pub(super) fn text(parts: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    for part in parts {
        write_text(&mut out, part);
    }
    out
}

/// `sql → tag` or `sql ! SQLSTATE` of each.
pub(super) fn told(exchanges: &[Exchange]) -> Vec<String> {
    exchanges
        .iter()
        .map(|exchange| match &exchange.error {
            None => format!("{} → {}", exchange.sql, exchange.tag()),
            Some(error) => format!("{} ! {}", exchange.sql, error.sqlstate),
        })
        .collect()
}
