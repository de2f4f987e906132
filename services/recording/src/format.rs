//! How a segment is stored: records, each a big-endian `u32` length and the packet as it was
//! published, compressed as one zstd frame.

use bytes::{Buf, Bytes};

/// What a record costs beside its packet.
pub const RECORD_HEADER: usize = 4;

/// The fastest level that still halves SQL and its results; higher ones cost more than they save.
const LEVEL: i32 = 1;

/// The most that is unpacked: more than any segment has, and what a manifest that nobody signed
/// may claim costs no more memory than this.
const LARGEST: u64 = 64 * 1024 * 1024;

/// Compresses segments, keeping its tables (about 1 MiB) from one to the next.
pub struct Packer(zstd::bulk::Compressor<'static>);

impl Packer {
    /// A compressor.
    ///
    /// # Errors
    /// When there is no memory for its tables.
    pub fn new() -> std::io::Result<Self> {
        Ok(Self(zstd::bulk::Compressor::new(LEVEL)?))
    }

    /// Compresses the records of a segment.
    ///
    /// # Errors
    /// When there is no memory.
    pub fn pack(&mut self, records: &[u8]) -> std::io::Result<Vec<u8>> {
        self.0.compress(records)
    }
}

impl std::fmt::Debug for Packer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Packer")
    }
}

/// Decompresses a segment that had `raw_bytes` and not one more.
///
/// # Errors
/// When it is not such a segment.
pub fn unpack(stored: &[u8], raw_bytes: u64) -> std::io::Result<Bytes> {
    if LARGEST < raw_bytes {
        return Err(std::io::ErrorKind::InvalidData.into());
    }
    let capacity = usize::try_from(raw_bytes).map_err(std::io::Error::other)?;
    let records = zstd::bulk::decompress(stored, capacity)?;
    if records.len() == capacity {
        Ok(records.into())
    } else {
        Err(std::io::ErrorKind::InvalidData.into())
    }
}

/// Writes the header that precedes a packet of this length.
#[must_use]
pub fn record_header(length: usize) -> [u8; RECORD_HEADER] {
    // The broker's limit for a message is 1 MiB.
    u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes()
}

/// The packets in an unpacked segment, as they were published. Stops where the segment is
/// not well formed; [`Records::remaining`] tells whether anything was left.
#[derive(Debug, Clone)]
pub struct Records(Bytes);

impl Records {
    /// The packets in `raw`.
    #[must_use]
    pub const fn new(raw: Bytes) -> Self {
        Self(raw)
    }

    /// The bytes that were not read yet.
    #[must_use]
    pub const fn remaining(&self) -> usize {
        self.0.len()
    }
}

impl Iterator for Records {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let mut ahead = self.0.clone();
        let length = usize::try_from(ahead.try_get_u32().ok()?).ok()?;
        if ahead.len() < length {
            return None;
        }
        let packet = ahead.split_to(length);
        self.0 = ahead;
        Some(packet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(packets: &[&[u8]]) -> Vec<u8> {
        packets
            .iter()
            .flat_map(|packet| [record_header(packet.len()).as_slice(), packet].concat())
            .collect()
    }

    #[test]
    fn packets_come_back_as_they_were() {
        let raw = records(&[b"one", b"", b"three"]);
        let stored = Packer::new().unwrap().pack(&raw).unwrap();
        let raw_bytes = u64::try_from(raw.len()).unwrap();
        let mut read = Records::new(unpack(&stored, raw_bytes).unwrap());
        assert_eq!(read.by_ref().collect::<Vec<_>>(), ["one".as_bytes(), b"", b"three"]);
        assert_eq!(read.remaining(), 0);
        assert!(unpack(&stored, raw_bytes - 1).is_err());
        assert!(unpack(&stored, raw_bytes + 1).is_err());
        assert!(unpack(&stored, u64::MAX).is_err());
    }

    #[test]
    fn a_record_that_is_cut_off_is_not_read() {
        let mut raw = records(&[b"one", b"two"]);
        raw.pop();
        let mut read = Records::new(raw.into());
        assert_eq!(read.by_ref().count(), 1);
        assert_ne!(read.remaining(), 0);
    }
}
