//! A terminal session as asciinema's players replay it: asciicast v2, a header and one line
//! per event.

use hoop_domain::Direction;
use hoop_proto::v1::{self, channel_open::Kind, packet::Body};
use serde_json::{Value, json};

use crate::routes::recording::Render;

/// What a command without a terminal is shown in.
const COLUMNS: u32 = 80;
const ROWS: u32 = 24;
const MICROS: f64 = 1e6;

/// Renders the first command of a session, or the one in `channel`.
pub(super) struct Asciicast {
    channel: Option<u32>,
    /// When it began; `None` before the header is written.
    begun: Option<i64>,
    input: Text,
    output: Text,
    stderr: Text,
}

impl Asciicast {
    pub(super) fn new(channel: Option<u32>) -> Self {
        let (input, output, stderr) = (Text::default(), Text::default(), Text::default());
        Self { channel, begun: None, input, output, stderr }
    }

    fn header(&mut self, at: i64, open: Option<&v1::ExecOpen>, piece: &mut Vec<u8>) {
        self.begun = Some(at);
        let terminal = open.and_then(|open| open.terminal.as_ref());
        let size = |size: Option<u32>, usual| size.filter(|size| *size != 0).unwrap_or(usual);
        let mut header = json!({
            "version": 2,
            "width": size(terminal.map(|terminal| terminal.columns), COLUMNS),
            "height": size(terminal.map(|terminal| terminal.rows), ROWS),
            "timestamp": at.div_euclid(1_000_000),
        });
        if let (Some(terminal), Some(header)) = (terminal, header.as_object_mut()) {
            header.insert("env".into(), json!({ "TERM": terminal.term }));
        }
        line(&header, piece);
    }

    fn event(&self, at: i64, code: &str, text: &str, piece: &mut Vec<u8>) {
        if text.is_empty() {
            return;
        }
        let since = at.saturating_sub(self.begun.unwrap_or(at)).max(0);
        // Exact for two hundred years.
        let seconds = since as f64 / MICROS;
        line(&json!([seconds, code, text]), piece);
    }
}

impl Render for Asciicast {
    fn packet(&mut self, packet: v1::Packet, piece: &mut Vec<u8>) {
        let (at, channel) = (packet.at, packet.channel);
        if self.channel.is_some_and(|wanted| wanted != channel) {
            return;
        }
        let inward = packet.travels() == Some(Direction::In);
        match packet.body {
            Some(Body::ChannelOpen(v1::ChannelOpen { kind: Some(Kind::Exec(open)) }))
                if self.begun.is_none() =>
            {
                self.channel = Some(channel);
                self.header(at, Some(&open), piece);
            }
            Some(Body::Data(data)) if self.begun.is_some() => {
                let (code, text) = if inward {
                    ("i", self.input.take_in(&data))
                } else {
                    ("o", self.output.take_in(&data))
                };
                self.event(at, code, &text, piece);
            }
            Some(Body::Stderr(data)) if self.begun.is_some() => {
                let text = self.stderr.take_in(&data);
                self.event(at, "o", &text, piece);
            }
            Some(Body::TerminalResize(size)) if self.begun.is_some() => {
                let size = format!("{}x{}", size.columns, size.rows);
                self.event(at, "r", &size, piece);
            }
            _ => {}
        }
    }

    fn end(&mut self, piece: &mut Vec<u8>) {
        if self.begun.is_none() {
            self.header(0, None, piece);
        }
    }
}

fn line(value: &Value, piece: &mut Vec<u8>) {
    // Writing to memory does not fail, and the keys are strings.
    let _ = serde_json::to_writer(&mut *piece, value);
    piece.push(b'\n');
}

/// Bytes as text, where a character may be spread over packets.
#[derive(Default)]
struct Text {
    /// The beginning of a character, three bytes at most.
    begun: Vec<u8>,
}

impl Text {
    fn take_in(&mut self, data: &[u8]) -> String {
        self.begun.extend_from_slice(data);
        let whole = self.begun.len() - unfinished(&self.begun);
        let rest = self.begun.split_off(whole);
        let text = String::from_utf8_lossy(&self.begun).into_owned();
        self.begun = rest;
        text
    }
}

/// How many bytes at the end are the beginning of a character.
fn unfinished(bytes: &[u8]) -> usize {
    for (count, byte) in bytes.iter().rev().take(3).enumerate() {
        let length = match byte {
            0xC0..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF7 => 4,
            0x80..=0xBF => continue,
            _ => return 0,
        };
        return if count + 1 < length { count + 1 } else { 0 };
    }
    0
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn packet(at: i64, way: Direction, body: Body) -> v1::Packet {
        let direction = v1::Direction::from(way).into();
        v1::Packet { at, channel: 1, direction, body: Some(body), ..Default::default() }
    }

    fn render(packets: Vec<v1::Packet>) -> Vec<Value> {
        let (mut cast, mut piece) = (Asciicast::new(None), Vec::new());
        for packet in packets {
            cast.packet(packet, &mut piece);
        }
        cast.end(&mut piece);
        let text = String::from_utf8(piece).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_terminal_is_replayed_with_its_size_and_its_time() {
        let terminal = v1::Terminal { term: "xterm".into(), columns: 100, rows: 30 };
        let open = v1::ExecOpen { terminal: Some(terminal), ..Default::default() };
        let data = |bytes: &'static [u8]| Body::Data(Bytes::from_static(bytes));
        let lines = render(vec![
            packet(
                2_000_000,
                Direction::In,
                Body::ChannelOpen(v1::ChannelOpen { kind: Some(Kind::Exec(open)) }),
            ),
            packet(2_500_000, Direction::Out, data(b"caf\xc3")),
            packet(2_600_000, Direction::In, data(b"x")),
            packet(3_000_000, Direction::Out, data(b"\xa9\xff")),
            packet(
                4_000_000,
                Direction::In,
                Body::TerminalResize(v1::TerminalResize { columns: 90, rows: 20 }),
            ),
        ]);
        assert_eq!(
            lines,
            [
                json!({"version": 2, "width": 100, "height": 30, "timestamp": 2, "env": {"TERM": "xterm"}}),
                json!([0.5, "o", "caf"]),
                json!([0.6, "i", "x"]),
                json!([1.0, "o", "é\u{fffd}"]),
                json!([2.0, "r", "90x20"]),
            ]
        );
    }

    #[test]
    fn without_a_command_there_is_a_header_and_nothing_else() {
        let lines = render(vec![packet(1, Direction::Out, Body::Data(Bytes::from_static(b"x")))]);
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["version"], 2);
    }
}
