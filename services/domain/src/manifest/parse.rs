//! Reading a manifest. Whatever is not exactly what [`Manifest::encode`] writes is refused.

use std::str::{FromStr, Lines, Split};

use super::{
    Checkpoint, Flaw, HEADING, LogHead, Manifest, SegmentSummary, SegmentTotals, WaySummary,
    checkpoint, log_head,
};
use crate::{Both, Chain, Direction, time};

/// Text that is not a manifest, or not the one encoding of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is not what a manifest has there")]
pub struct InvalidManifest {
    /// The line, from 1.
    pub line: usize,
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// With the first line that is wrong.
    pub fn parse(text: &str) -> Result<Self, InvalidManifest> {
        let mut reader = Reader { lines: text.lines(), line: 0 };
        let manifest = reader.manifest().ok_or(InvalidManifest { line: reader.line })?;
        // Leading zeros, other spaces, other line ends: the same facts, other bytes.
        if manifest.encode() == text { Ok(manifest) } else { Err(InvalidManifest { line: 1 }) }
    }
}

impl Checkpoint {
    /// Reads a checkpoint.
    ///
    /// # Errors
    /// With the first line that is wrong.
    pub fn parse(text: &str) -> Result<Self, InvalidManifest> {
        let mut reader = Reader { lines: text.lines(), line: 0 };
        let checkpoint = reader.checkpoint().ok_or(InvalidManifest { line: reader.line })?;
        if checkpoint.encode() == text { Ok(checkpoint) } else { Err(InvalidManifest { line: 1 }) }
    }
}

impl LogHead {
    /// Reads a statement of where an audit log ends.
    ///
    /// # Errors
    /// With the first line that is wrong.
    pub fn parse(text: &str) -> Result<Self, InvalidManifest> {
        let mut reader = Reader { lines: text.lines(), line: 0 };
        let head = reader.log_head().ok_or(InvalidManifest { line: reader.line })?;
        if head.encode() == text { Ok(head) } else { Err(InvalidManifest { line: 1 }) }
    }
}

impl FromStr for SegmentSummary {
    type Err = InvalidManifest;
    fn from_str(line: &str) -> Result<Self, InvalidManifest> {
        let segment = Fields(line.split(' ')).segment().ok_or(InvalidManifest { line: 1 })?;
        if segment.to_string() == line { Ok(segment) } else { Err(InvalidManifest { line: 1 }) }
    }
}

struct Reader<'a> {
    lines: Lines<'a>,
    line: usize,
}

/// The fields of one line.
struct Fields<'a>(Split<'a, char>);

impl<'a> Reader<'a> {
    fn manifest(&mut self) -> Option<Manifest> {
        (self.next()? == HEADING).then_some(())?;
        let mut manifest = Manifest {
            session: self.only("session")?,
            org: self.only("org")?,
            position: self.only("position")?,
            previous: self.fields("previous")?.digest()?,
            reason: self.only("reason")?,
            begun_at: time::from_micros(self.only("begun")?),
            ended_at: time::from_micros(self.only("ended")?),
            ways: Both { inward: self.way("in")?, outward: self.way("out")? },
            segments: Vec::new(),
            flaws: Vec::new(),
        };
        while let Some(line) = self.next() {
            let mut fields = Fields(line.split(' '));
            match fields.0.next()? {
                "segment" => manifest.segments.push(fields.segment()?),
                "flaw" => manifest.flaws.push(fields.flaw()?),
                _ => return None,
            }
        }
        Some(manifest)
    }

    fn checkpoint(&mut self) -> Option<Checkpoint> {
        (self.next()? == checkpoint::HEADING).then_some(())?;
        Some(Checkpoint {
            session: self.only("session")?,
            org: self.only("org")?,
            begun_at: time::from_micros(self.only("begun")?),
            ended_at: time::from_micros(self.only("ended")?),
            ways: Both { inward: self.way("in")?, outward: self.way("out")? },
            segments: self.fields("segments")?.totals()?,
        })
    }

    fn log_head(&mut self) -> Option<LogHead> {
        (self.next()? == log_head::HEADING).then_some(())?;
        let org = self.only("org")?;
        let mut line = self.fields("line")?;
        let mut manifest = self.fields("manifest")?;
        Some(LogHead {
            org,
            line: line.value()?,
            digest: line.digest()?,
            manifest: manifest.value()?,
            manifest_digest: manifest.digest()?,
            signed_at: time::from_micros(self.only("signed")?),
        })
    }

    fn next(&mut self) -> Option<&'a str> {
        self.line += 1;
        self.lines.next()
    }

    fn fields(&mut self, name: &str) -> Option<Fields<'a>> {
        let mut fields = self.next()?.split(' ');
        (fields.next()? == name).then_some(Fields(fields))
    }

    fn only<T: FromStr>(&mut self, name: &str) -> Option<T> {
        self.fields(name)?.value()
    }

    fn way(&mut self, name: &str) -> Option<WaySummary> {
        let mut fields = self.fields(name)?;
        Some(WaySummary {
            packets: fields.value()?,
            last_seq: fields.value()?,
            chain: Chain::from(fields.digest()?),
        })
    }
}

impl Fields<'_> {
    fn value<T: FromStr>(&mut self) -> Option<T> {
        self.0.next()?.parse().ok()
    }

    fn digest(&mut self) -> Option<[u8; 32]> {
        Some(*blake3::Hash::from_hex(self.0.next()?).ok()?.as_bytes())
    }

    fn segment(&mut self) -> Option<SegmentSummary> {
        Some(SegmentSummary {
            packets: self.value()?,
            raw_bytes: self.value()?,
            stored_bytes: self.value()?,
            digest: self.digest()?,
        })
    }

    fn totals(&mut self) -> Option<SegmentTotals> {
        Some(SegmentTotals {
            count: self.value()?,
            raw_bytes: self.value()?,
            stored_bytes: self.value()?,
            digest: self.digest()?,
        })
    }

    fn flaw(&mut self) -> Option<Flaw> {
        let name = self.0.next()?;
        let direction = Direction::BOTH.into_iter().find(|known| known.as_str() == name)?;
        Some(Flaw { direction, seq: self.value()?, kind: self.value()? })
    }
}
