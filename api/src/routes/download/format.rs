//! What a download may look like.

use std::str::FromStr;

use hoop_domain::Direction;
use hoop_proto::v1::{self, packet::Body};

use super::{asciicast::Asciicast, sql::Sql};
use crate::{
    Error,
    routes::recording::{PacketResponse, Render},
};

/// A file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Lines,
    List,
    Raw(Direction),
    Asciicast,
    Sql,
}

impl FromStr for Format {
    type Err = Error;
    fn from_str(name: &str) -> Result<Self, Error> {
        match name {
            "jsonl" => Ok(Self::Lines),
            "json" => Ok(Self::List),
            "raw-in" => Ok(Self::Raw(Direction::In)),
            "raw-out" | "raw" => Ok(Self::Raw(Direction::Out)),
            "asciicast" => Ok(Self::Asciicast),
            "sql" => Ok(Self::Sql),
            _ => {
                let formats = "is jsonl, json, raw, raw-in, raw-out, asciicast or sql";
                Err(Error::invalid("format", formats))
            }
        }
    }
}

impl Format {
    pub(super) const fn media_type(self) -> &'static str {
        match self {
            Self::Lines => "application/jsonl",
            Self::List => "application/json",
            Self::Raw(_) => "application/octet-stream",
            Self::Asciicast => "application/x-asciicast",
            Self::Sql => "application/sql",
        }
    }

    pub(super) const fn suffix(self) -> &'static str {
        match self {
            Self::Lines => "jsonl",
            Self::List => "json",
            Self::Raw(direction) => direction.as_str(),
            Self::Asciicast => "cast",
            Self::Sql => "sql",
        }
    }

    /// The only direction that matters, where there is one.
    pub(super) const fn direction(self) -> Option<Direction> {
        match self {
            Self::Raw(direction) => Some(direction),
            Self::Lines | Self::List | Self::Asciicast | Self::Sql => None,
        }
    }

    pub(super) fn render(self, channel: Option<u32>) -> Box<dyn Render> {
        match self {
            Self::Lines => Box::new(Packets { channel, list: false, written: false }),
            Self::List => Box::new(Packets { channel, list: true, written: false }),
            Self::Raw(_) => Box::new(Raw { channel }),
            Self::Asciicast => Box::new(Asciicast::new(channel)),
            Self::Sql => Box::new(Sql::new(channel)),
        }
    }
}

/// A packet a line, or all of them as one list.
struct Packets {
    channel: Option<u32>,
    list: bool,
    written: bool,
}

impl Render for Packets {
    fn packet(&mut self, packet: v1::Packet, piece: &mut Vec<u8>) {
        if self.channel.is_some_and(|channel| channel != packet.channel) {
            return;
        }
        if self.list {
            piece.push(if self.written { b',' } else { b'[' });
        }
        self.written = true;
        // Writing to memory does not fail, and the keys are strings.
        let _ = serde_json::to_writer(&mut *piece, &PacketResponse::from(packet));
        piece.push(b'\n');
    }

    fn end(&mut self, piece: &mut Vec<u8>) {
        if self.list {
            piece.extend_from_slice(if self.written { b"]" } else { b"[]" });
        }
    }
}

/// The data and nothing else.
struct Raw {
    channel: Option<u32>,
}

impl Render for Raw {
    fn packet(&mut self, packet: v1::Packet, piece: &mut Vec<u8>) {
        if self.channel.is_none_or(|channel| channel == packet.channel)
            && let Some(Body::Data(data) | Body::Stderr(data)) = packet.body
        {
            piece.extend_from_slice(&data);
        }
    }

    fn end(&mut self, _: &mut Vec<u8>) {}
}
