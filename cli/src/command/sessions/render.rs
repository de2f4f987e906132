//! Shows packets to a person, one after the other.

use std::{
    collections::BTreeSet,
    io::{self, Write},
};

use anyhow::Result;
use hoop_wire::postgres::transcript::{Sender, Transcript};

use super::{
    packet::Packet,
    statements::{self, Statement},
};
use crate::output::{self, printable};

/// What a session looks like.
pub(super) struct Renderer {
    kind: Kind,
    /// Channels that are a terminal, and so may leave this one in disorder.
    terminals: BTreeSet<u32>,
}

enum Kind {
    /// A database: its statements.
    Postgres(Box<Transcript>),
    /// A terminal or a command: what it printed.
    Command,
    /// Bytes that mean nothing here: how many, and when.
    Bytes,
}

impl Renderer {
    /// For a session to a connection of the type `subtype` that was opened for `verb`.
    pub(super) fn new(subtype: &str, verb: &str) -> Self {
        let kind = match (subtype, verb) {
            ("tcp", _) => Kind::Bytes,
            ("postgres", "connect") => Kind::Postgres(Box::default()),
            _ => Kind::Command,
        };
        Self { kind, terminals: BTreeSet::new() }
    }

    /// Shows the packet.
    pub(super) fn show(&mut self, packet: &Packet) -> Result<()> {
        match packet.kind.as_str() {
            "channel_open" => self.opened(packet),
            "data" => self.data(packet),
            "stderr" => Ok(pass_on(io::stderr(), &packet.bytes()?)?),
            "channel_failed" => {
                let message = output::field(&packet.detail, "message");
                output::say(&format!("{}  failed: {message}", packet.at));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn opened(&mut self, packet: &Packet) -> Result<()> {
        let protocol = output::field(&packet.detail, "protocol");
        if protocol == "exec" {
            self.kind = Kind::Command;
        }
        let terminal = packet.detail.get("terminal").filter(|terminal| !terminal.is_null());
        if terminal.is_some() {
            self.terminals.insert(packet.channel);
        }
        if matches!(self.kind, Kind::Bytes) {
            output::print(&format!("{}  channel {} opened", packet.at, packet.channel))?;
        }
        Ok(())
    }

    fn data(&mut self, packet: &Packet) -> Result<()> {
        let bytes = packet.bytes()?;
        match &mut self.kind {
            // What the user typed is seen in what came back, or not meant to be seen.
            Kind::Command if packet.inward() => {}
            Kind::Command => pass_on(io::stdout(), &bytes)?,
            Kind::Bytes => {
                let (direction, size) = (printable(&packet.direction), bytes.len());
                let channel = packet.channel;
                output::print(&format!(
                    "{}  channel {channel}  {direction:<3} {size} bytes",
                    packet.at
                ))?;
            }
            Kind::Postgres(transcript) => {
                let sender = if packet.inward() { Sender::Client } else { Sender::Server };
                transcript.feed(sender, packet.micros(), &bytes);
                while let Some(exchange) = transcript.next_exchange() {
                    statements::show(&Statement::from(exchange))?;
                }
            }
        }
        Ok(())
    }

    /// Nothing more comes: what was asked and never answered, and order on the terminal.
    pub(super) fn finish(self) -> Result<()> {
        if let Kind::Postgres(transcript) = self.kind {
            for exchange in transcript.finish() {
                statements::show(&Statement::from(exchange))?;
            }
        }
        Ok(())
    }

    /// Whether a terminal was shown.
    pub(super) fn has_terminal(&self) -> bool {
        !self.terminals.is_empty()
    }
}

fn pass_on(mut to: impl Write, bytes: &[u8]) -> io::Result<()> {
    to.write_all(bytes)?;
    to.flush()
}
