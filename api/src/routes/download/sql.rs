//! The statements of a PostgreSQL session as SQL for people, with what came of each in a comment
//! before it.

use std::fmt::Write;

use hoop_domain::Direction;
use hoop_proto::v1::{self, packet::Body};
use hoop_wire::postgres::transcript::{Exchange, Sender, Transcript};

use crate::routes::recording::{Render, instant};

/// Renders all channels, or the one in `channel`.
pub(super) struct Sql {
    channel: Option<u32>,
    transcript: Transcript,
}

impl Sql {
    pub(super) fn new(channel: Option<u32>) -> Self {
        Self { channel, transcript: Transcript::default() }
    }
}

impl Render for Sql {
    fn packet(&mut self, packet: v1::Packet, piece: &mut Vec<u8>) {
        if self.channel.is_some_and(|channel| channel != packet.channel) {
            return;
        }
        let sender = match packet.travels() {
            Some(Direction::In) => Sender::Client,
            Some(Direction::Out) => Sender::Server,
            None => return,
        };
        let Some(Body::Data(data)) = packet.body else { return };
        self.transcript.feed(sender, packet.at, &data);
        while let Some(exchange) = self.transcript.next_exchange() {
            piece.extend_from_slice(entry(&exchange).as_bytes());
        }
    }

    fn end(&mut self, piece: &mut Vec<u8>) {
        let transcript = std::mem::take(&mut self.transcript);
        let complete = !transcript.lost();
        for exchange in transcript.finish() {
            piece.extend_from_slice(entry(&exchange).as_bytes());
        }
        if !complete {
            piece.extend_from_slice(
                b"-- not everything could be decoded; the packets have it all\n",
            );
        }
    }
}

/// A statement and what came of it. Writing to a string does not fail.
fn entry(exchange: &Exchange) -> String {
    let mut text = format!("-- {}  {}", instant(exchange.started_at), exchange.kind.as_str());
    let tag = exchange.tag();
    if !tag.is_empty() {
        let _ = write!(text, "  {}", comment(&tag));
    }
    let _ = match exchange.finished_at {
        Some(end) => write!(text, "  {} us", end.saturating_sub(exchange.started_at)),
        None => write!(text, "  not finished"),
    };
    text.push('\n');
    for (number, value) in (1..).zip(&exchange.parameters) {
        let value = value.as_deref().map_or_else(|| "NULL".into(), |value| format!("'{value}'"));
        let _ = writeln!(text, "-- ${number} = {}", comment(&value));
    }
    if let Some(error) = &exchange.error {
        let _ =
            writeln!(text, "-- ERROR {}: {}", comment(&error.sqlstate), comment(&error.message));
    }
    if exchange.truncated {
        text.push_str("-- shortened; the packets have it all\n");
    }
    let sql = exchange.sql.trim();
    text.push_str(sql);
    text.push_str(if sql.is_empty() || sql.ends_with(';') { "\n\n" } else { ";\n\n" });
    text
}

/// In one line, so that nothing of it leaves the comment.
fn comment(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use hoop_wire::postgres::transcript::{Failure, Kind};

    use super::*;

    #[test]
    fn a_statement_comes_with_its_values_and_its_outcome() {
        let exchange = Exchange {
            kind: Kind::Extended,
            sql: "select $1, $2".into(),
            parameters: vec![Some("a'b\nselect 2".into()), None],
            truncated: false,
            started_at: 1_700_000_000_000_000,
            finished_at: Some(1_700_000_000_000_250),
            tags: vec!["SELECT 1".into()],
            rows: 1,
            bytes_in: 0,
            bytes_out: 0,
            error: None,
        };
        let expected = "-- 2023-11-14T22:13:20.000000Z  extended  SELECT 1  250 us\n\
                        -- $1 = 'a'b select 2'\n-- $2 = NULL\nselect $1, $2;\n\n";
        assert_eq!(entry(&exchange), expected);
        let error = Failure { sqlstate: "42P01".into(), message: "no\rsuch table".into() };
        let failed = Exchange {
            sql: "table t;".into(),
            parameters: vec![],
            tags: vec![],
            finished_at: None,
            error: Some(error),
            truncated: true,
            ..exchange
        };
        let shown = entry(&failed);
        assert!(shown.contains("  not finished\n-- ERROR 42P01: no such table\n-- shortened"));
        assert!(shown.ends_with("\ntable t;\n\n"), "{shown}");
    }
}
