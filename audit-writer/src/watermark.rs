//! Whether there is room for new sessions: on the disk of the spool, and in the stream.
//!
//! Looked at with each round of the leases and told to `api`, which refuses new sessions
//! while there is none. Those that are open go on until it is really full.

use std::{io, path::PathBuf, str::FromStr};

use hoop_bus::{Bus, stream::AUDIT};
use hoop_store::recording::Trouble;

/// How full a disk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// So much of a hundred is used.
    UsedPercent(u64),
    /// So many bytes are free.
    FreeBytes(u64),
}

/// No such mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidMark;

impl FromStr for Mark {
    type Err = InvalidMark;
    fn from_str(text: &str) -> Result<Self, InvalidMark> {
        match text.strip_suffix('%') {
            Some(percent) => match percent.parse() {
                Ok(percent @ 0..=100) => Ok(Self::UsedPercent(percent)),
                _ => Err(InvalidMark),
            },
            None => text.parse().map(Self::FreeBytes).map_err(|_| InvalidMark),
        }
    }
}

impl Mark {
    /// A mark that is reached well before this one.
    #[must_use]
    pub const fn lower(self) -> Self {
        match self {
            Self::UsedPercent(percent) => Self::UsedPercent(percent.saturating_sub(5)),
            Self::FreeBytes(bytes) => Self::FreeBytes(bytes.saturating_mul(2)),
        }
    }

    const fn reached(self, room: Room) -> bool {
        match self {
            Self::UsedPercent(percent) => {
                let used = room.total.saturating_sub(room.free);
                room.total.saturating_mul(percent) <= used.saturating_mul(100)
            }
            Self::FreeBytes(bytes) => room.free <= bytes,
        }
    }
}

/// When new sessions are refused, and when they are taken again.
#[derive(Debug, Clone, Copy)]
pub struct SpoolMarks {
    /// Refused from here on,
    pub high: Mark,
    /// taken again below this.
    pub low: Mark,
}

impl Default for SpoolMarks {
    fn default() -> Self {
        // A writer spools half a gigabyte at most.
        let high = Mark::FreeBytes(1024 * 1024 * 1024);
        Self { high, low: high.lower() }
    }
}

impl SpoolMarks {
    /// Both, when the low one is reached first.
    #[must_use]
    pub const fn new(high: Mark, low: Mark) -> Option<Self> {
        let order = match (high, low) {
            (Mark::UsedPercent(high), Mark::UsedPercent(low)) => low <= high,
            (Mark::FreeBytes(high), Mark::FreeBytes(low)) => high <= low,
            _ => true,
        };
        if order { Some(Self { high, low }) } else { None }
    }
}

/// What is left of something.
#[derive(Debug, Clone, Copy)]
struct Room {
    total: u64,
    free: u64,
}

/// The stream may be this full.
const STREAM: SpoolMarks = SpoolMarks { high: Mark::UsedPercent(90), low: Mark::UsedPercent(80) };

/// Remembers what is full, so that it does not change with every packet.
#[derive(Debug)]
pub struct Watermarks {
    spool: PathBuf,
    marks: SpoolMarks,
    spool_full: bool,
    stream_full: bool,
}

impl Watermarks {
    /// For the disk that `spool` is on.
    #[must_use]
    pub const fn new(spool: PathBuf, marks: SpoolMarks) -> Self {
        Self { spool, marks, spool_full: false, stream_full: false }
    }

    /// Why no new sessions should be opened. What can't be found out is as it was.
    pub(crate) async fn look(&mut self, bus: &Bus) -> Option<Trouble> {
        match disk(&self.spool) {
            Ok(room) => {
                let full = next(self.spool_full, &self.marks, room);
                if full != self.spool_full {
                    let (spool, free) = (self.spool.display().to_string(), room.free);
                    tracing::warn!(spool, free, full, "the disk of the spool passed its watermark");
                }
                self.spool_full = full;
            }
            Err(cause) => tracing::warn!(%cause, "the disk of the spool does not say what is free"),
        }
        if let Some(room) = stream(bus).await {
            let full = next(self.stream_full, &STREAM, room);
            if full != self.stream_full {
                tracing::warn!(free = room.free, full, "the stream AUDIT passed its watermark");
            }
            self.stream_full = full;
        }
        if self.spool_full {
            Some(Trouble::SpoolNearlyFull)
        } else {
            self.stream_full.then_some(Trouble::StreamNearlyFull)
        }
    }
}

/// Whether it counts as full now.
const fn next(full: bool, marks: &SpoolMarks, room: Room) -> bool {
    if full { marks.low.reached(room) } else { marks.high.reached(room) }
}

fn disk(path: &std::path::Path) -> io::Result<Room> {
    let disk = rustix::fs::statvfs(path)?;
    let bytes = |blocks: u64| blocks.saturating_mul(disk.f_frsize);
    Ok(Room { total: bytes(disk.f_blocks), free: bytes(disk.f_bavail) })
}

async fn stream(bus: &Bus) -> Option<Room> {
    let stream = bus.jetstream().get_stream(AUDIT).await.ok()?;
    let info = stream.cached_info();
    // Without a limit it is negative: then the broker's disk is the limit, which it knows.
    let total = u64::try_from(info.config.max_bytes).ok().filter(|total| *total != 0)?;
    Some(Room { total, free: total.saturating_sub(info.state.bytes) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_parts_or_bytes() {
        assert_eq!("90%".parse(), Ok(Mark::UsedPercent(90)));
        assert_eq!("1048576".parse(), Ok(Mark::FreeBytes(1_048_576)));
        for text in ["", "%", "101%", "-1%", "1G", "ninety"] {
            assert_eq!(text.parse::<Mark>(), Err(InvalidMark), "{text}");
        }
        assert!(SpoolMarks::new(Mark::UsedPercent(80), Mark::UsedPercent(90)).is_none());
        assert!(SpoolMarks::new(Mark::FreeBytes(10), Mark::FreeBytes(5)).is_none());
    }

    #[test]
    fn what_is_full_stays_full_until_the_low_mark() {
        let room = |free| Room { total: 1000, free };
        let percent = SpoolMarks::new(Mark::UsedPercent(90), Mark::UsedPercent(80)).unwrap();
        let bytes = SpoolMarks::new(Mark::FreeBytes(100), Mark::FreeBytes(200)).unwrap();
        for marks in [percent, bytes] {
            assert!(!next(false, &marks, room(101)));
            assert!(next(false, &marks, room(100)));
            assert!(next(true, &marks, room(150)));
            assert!(!next(true, &marks, room(201)));
        }
    }

    #[test]
    fn a_disk_says_how_much_is_free() {
        let here = disk(&std::env::temp_dir()).unwrap();
        assert!(0 < here.total && here.free <= here.total);
        assert!(disk("/nothing/there".as_ref()).is_err());
    }
}
