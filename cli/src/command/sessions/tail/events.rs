//! Server-sent events, from bytes as they come.

use std::collections::VecDeque;

use anyhow::{Result, ensure};

/// A packet has 256 KiB at most, in base64, and some words.
const LONGEST_LINE: usize = 4 * 1024 * 1024;

/// Reads events.
#[derive(Debug, Default)]
pub(super) struct Events {
    line: Vec<u8>,
    id: String,
    name: String,
    data: String,
    done: VecDeque<Event>,
}

/// One of them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// What to go on after; empty when the gateway has not said it.
    pub(super) id: String,
    /// Its kind.
    pub(super) name: String,
    /// What it says.
    pub(super) data: String,
}

impl Events {
    /// Takes bytes.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<()> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            ensure!(self.line.len() <= LONGEST_LINE, "the gateway sent an event that is too long");
            if self.line.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                self.line_ended(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']));
            }
        }
        Ok(())
    }

    /// The next event.
    pub(super) fn next(&mut self) -> Option<Event> {
        self.done.pop_front()
    }

    fn line_ended(&mut self, line: &str) {
        if line.is_empty() {
            let (name, data) = (std::mem::take(&mut self.name), std::mem::take(&mut self.data));
            if !data.is_empty() {
                let name = if name.is_empty() { "message".into() } else { name };
                self.done.push_back(Event { id: self.id.clone(), name, data });
            }
            return;
        }
        // A line that begins with a colon keeps the connection alive.
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.name),
            // It holds for later events, too, until there is another.
            "id" => value.clone_into(&mut self.id),
            "data" => {
                if !self.data.is_empty() {
                    self.data.push('\n');
                }
                self.data.push_str(value);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_wherever_the_bytes_are_cut() {
        let text = ": hello\n\nid: 1\nevent: packet\ndata: {\"a\":\ndata: 1}\n\nevent:end\r\ndata:{}\r\n\r\n";
        for size in 1..text.len() {
            let mut events = Events::default();
            for piece in text.as_bytes().chunks(size) {
                events.feed(piece).unwrap();
            }
            let event = |name: &str, data: &str| {
                Some(Event { id: "1".into(), name: name.into(), data: data.into() })
            };
            assert_eq!(events.next(), event("packet", "{\"a\":\n1}"));
            assert_eq!(events.next(), event("end", "{}"));
            assert_eq!(events.next(), None);
        }
    }
}
