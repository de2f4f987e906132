//! A recording as one file that needs nothing else to be verified: a tar archive.
//!
//! ```text
//! manifest.txt              the manifest, as it was signed
//! manifest.sig              the ed25519 signature of it, 64 bytes
//! public_key.pem            the key that is said to have made it
//! checkpoint.txt            what was signed last while the session was open, where there was
//! checkpoint.sig            time for that; signature and key as above
//! checkpoint_key.pem
//! segments.txt              of an open session: number, packets, sizes and digests
//! segments/000000.zst       the segments, as they are stored
//! ```
//!
//! A session that is open has no manifest yet, and is evidence as far as its checkpoint goes.
//! In this order, so that it can be checked while it comes. `openssl pkeyutl -verify -rawin`
//! checks the signature, `b3sum` and `zstd -d` the segments, without a program of ours.

use std::{
    collections::BTreeMap,
    fmt::Write,
    io::{self, Read},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use hoop_domain::manifest::{PublicKey, SegmentSummary};
use tar::{Archive, Header};

use crate::{Checked, Finding, Signed, Verification};

const MANIFEST: &str = "manifest.txt";
const SIGNATURE: &str = "manifest.sig";
const KEY: &str = "public_key.pem";
const CHECKPOINT: &str = "checkpoint.txt";
const CHECKPOINT_SIGNATURE: &str = "checkpoint.sig";
const CHECKPOINT_KEY: &str = "checkpoint_key.pem";
const SEGMENTS: &str = "segments.txt";
/// Before the 32 bytes of an ed25519 key in a `SubjectPublicKeyInfo` (RFC 8410).
const DER_PREFIX: [u8; 12] =
    [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// An archive is made of blocks of this size.
const BLOCK: usize = 512;
/// More than any manifest has, or any segment: 4 MiB, and a packet.
const LARGEST_FILE: u64 = 64 * 1024 * 1024;

/// Why something is no evidence.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It can't be read, or is no tar archive.
    #[error("the evidence can't be read")]
    Unreadable(#[from] io::Error),
    /// It is an archive of something else.
    #[error("the archive has {found:?} where evidence has {expected}")]
    Unexpected {
        /// What is there.
        found: String,
        /// What should be.
        expected: &'static str,
    },
    /// Nothing that a recording has is this large.
    #[error("{0:?} is larger than anything in evidence")]
    TooLarge(String),
    /// The key is none.
    #[error("the public key in the evidence is no ed25519 key")]
    InvalidKey,
}

/// A file of the archive: its header, what it holds, and what fills its last block.
fn file(name: &str, data: &[u8]) -> io::Result<Vec<u8>> {
    let mut header = Header::new_ustar();
    header.set_path(name)?;
    header.set_size(u64::try_from(data.len()).unwrap_or(u64::MAX));
    header.set_mode(0o444);
    header.set_cksum();
    let mut file = Vec::with_capacity(BLOCK + data.len().next_multiple_of(BLOCK));
    file.extend_from_slice(header.as_bytes());
    file.extend_from_slice(data);
    file.resize(BLOCK + data.len().next_multiple_of(BLOCK), 0);
    Ok(file)
}

/// The beginning of the archive of a finished recording.
///
/// # Errors
/// Never: the names are short enough.
pub fn heading(signed: &Signed, checkpoint: Option<&Signed>) -> io::Result<Vec<u8>> {
    let files = [
        file(MANIFEST, signed.encoded.as_bytes())?,
        file(SIGNATURE, &signed.signature)?,
        file(KEY, pem(&signed.public_key).as_bytes())?,
        checkpoint.map(checkpoint_files).transpose()?.unwrap_or_default(),
    ];
    Ok(files.concat())
}

/// The beginning of the archive of an open one.
///
/// # Errors
/// Never: the names are short enough.
pub fn heading_open(
    checkpoint: &Signed,
    segments: impl IntoIterator<Item = (u32, SegmentSummary)>,
) -> io::Result<Vec<u8>> {
    let mut list = String::new();
    for (number, segment) in segments {
        writeln!(list, "{number} {segment}").map_err(io::Error::other)?;
    }
    Ok([checkpoint_files(checkpoint)?, file(SEGMENTS, list.as_bytes())?].concat())
}

fn checkpoint_files(checkpoint: &Signed) -> io::Result<Vec<u8>> {
    let files = [
        file(CHECKPOINT, checkpoint.encoded.as_bytes())?,
        file(CHECKPOINT_SIGNATURE, &checkpoint.signature)?,
        file(CHECKPOINT_KEY, pem(&checkpoint.public_key).as_bytes())?,
    ];
    Ok(files.concat())
}

/// The next segment, as it is stored.
///
/// # Errors
/// Never: the name is short enough.
pub fn segment(number: u32, stored: &[u8]) -> io::Result<Vec<u8>> {
    file(&format!("segments/{number:06}.zst"), stored)
}

/// The end of the archive.
#[must_use]
pub fn ending() -> Vec<u8> {
    vec![0; 2 * BLOCK]
}

/// A key as `openssl` reads it.
#[must_use]
pub fn pem(key: &PublicKey) -> String {
    let der = STANDARD.encode([DER_PREFIX.as_slice(), &key.0].concat());
    format!("-----BEGIN PUBLIC KEY-----\n{der}\n-----END PUBLIC KEY-----\n")
}

/// Reads a key: PEM, or 32 bytes in base64.
#[must_use]
pub fn key(text: &str) -> Option<PublicKey> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with("-----"));
    let bytes = STANDARD.decode(lines.collect::<String>()).ok()?;
    let bytes = bytes.strip_prefix(DER_PREFIX.as_slice()).unwrap_or(&bytes);
    bytes.try_into().ok().map(PublicKey)
}

/// Verifies evidence while it is read.
///
/// # Errors
/// When it can't be read to its end, or is something else; that says nothing of a recording.
pub fn verify(evidence: impl Read, trusted: &[PublicKey]) -> Result<Verdict, Error> {
    let mut archive = Archive::new(evidence);
    let mut files = archive.entries()?;
    let first = files.next().map(|entry| read(entry?)).transpose()?;
    let (name, text) = first.unwrap_or_else(|| ("nothing".into(), Vec::new()));
    let mut next = None;
    let (signed, begun) = match &*name {
        MANIFEST => {
            let manifest = signed(text, &mut files, SIGNATURE, KEY)?;
            next = files.next().map(|entry| read(entry?)).transpose()?;
            let checkpoint = match next.take_if(|(name, _)| name == CHECKPOINT) {
                Some((_, text)) => {
                    Some(signed(text, &mut files, CHECKPOINT_SIGNATURE, CHECKPOINT_KEY)?)
                }
                None => None,
            };
            let begun = Verification::begin(&manifest, checkpoint.as_ref(), trusted);
            (manifest, begun)
        }
        CHECKPOINT => {
            let checkpoint = signed(text, &mut files, CHECKPOINT_SIGNATURE, CHECKPOINT_KEY)?;
            let listed = list(expect(files.next(), SEGMENTS)?)?;
            let begun = Verification::begin_open(&checkpoint, listed, trusted);
            (checkpoint, begun)
        }
        _ => return Err(Error::Unexpected { found: name, expected: MANIFEST }),
    };
    let mut verification = match begun {
        Ok(verification) => verification,
        Err(findings) => return Ok(Verdict { signed, outcome: Err(findings) }),
    };
    for file in next.map(Ok).into_iter().chain(files.map(|entry| read(entry?))) {
        let (name, data) = file?;
        let number = name.strip_prefix("segments/").and_then(|name| name.strip_suffix(".zst"));
        let number = number.and_then(|number| number.parse().ok());
        let expected = "a segment";
        let number = number.ok_or(Error::Unexpected { found: name, expected })?;
        verification.segment(number, &data);
    }
    Ok(Verdict { signed, outcome: Ok(verification.finish()) })
}

/// What came of verifying evidence.
#[derive(Debug)]
pub struct Verdict {
    /// The manifest that was in it, or the checkpoint of an open session.
    pub signed: Signed,
    /// What was found; without a readable manifest, only that.
    pub outcome: Result<Checked, Vec<Finding>>,
}

/// `text`, with the next two files.
fn signed<R: Read>(
    text: Vec<u8>,
    files: &mut tar::Entries<'_, R>,
    signature: &'static str,
    pem: &'static str,
) -> Result<Signed, Error> {
    let encoded = plain(text)?;
    let signature = expect(files.next(), signature)?;
    let pem = String::from_utf8(expect(files.next(), pem)?).ok();
    let public_key = pem.and_then(|text| key(&text)).ok_or(Error::InvalidKey)?;
    Ok(Signed { encoded, signature, public_key })
}

fn list(text: Vec<u8>) -> Result<BTreeMap<u32, SegmentSummary>, Error> {
    let text = plain(text)?;
    let read = |line: &str| {
        let (number, summary) = line.split_once(' ')?;
        Some((number.parse().ok()?, summary.parse().ok()?))
    };
    let lines = text.lines().map(|line| {
        let found = || Error::Unexpected { found: line.into(), expected: "a segment's line" };
        read(line).ok_or_else(found)
    });
    lines.collect()
}

fn plain(text: Vec<u8>) -> Result<String, Error> {
    String::from_utf8(text)
        .map_err(|_| Error::Unexpected { found: "bytes".into(), expected: "a text" })
}

fn expect<R: Read>(
    entry: Option<io::Result<tar::Entry<'_, R>>>,
    expected: &'static str,
) -> Result<Vec<u8>, Error> {
    let nothing = || Error::Unexpected { found: "nothing".into(), expected };
    let (name, data) = read(entry.ok_or_else(nothing)??)?;
    if name == expected { Ok(data) } else { Err(Error::Unexpected { found: name, expected }) }
}

fn read<R: Read>(entry: tar::Entry<'_, R>) -> Result<(String, Vec<u8>), Error> {
    let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
    if LARGEST_FILE < entry.size() {
        return Err(Error::TooLarge(name));
    }
    // Not reserved at once: the size is only what the archive says.
    let mut data = Vec::new();
    let size = entry.size();
    entry.take(LARGEST_FILE).read_to_end(&mut data)?;
    if u64::try_from(data.len()) != Ok(size) {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    Ok((name, data))
}

#[cfg(test)]
mod tests {
    use hoop_domain::manifest::SigningKey;

    use super::*;

    #[test]
    fn a_key_is_read_as_it_is_written_and_as_base64() {
        let ours = SigningKey::from_seed(&[7; 32]).unwrap().public_key();
        assert_eq!(key(&pem(&ours)), Some(ours));
        assert_eq!(key(&STANDARD.encode(ours.0)), Some(ours));
        for text in ["", "AAAA", "-----BEGIN PUBLIC KEY-----", "ä"] {
            assert_eq!(key(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_evidence_is_refused() {
        let other = [file("photo.jpg", b"x").unwrap(), ending()].concat();
        assert!(matches!(verify(&other[..], &[]), Err(Error::Unexpected { .. })));
        assert!(verify(&b"noise that is no archive"[..], &[]).is_err());
        assert!(matches!(verify(&ending()[..], &[]), Err(Error::Unexpected { .. })));
        let manifest = file(MANIFEST, b"x").unwrap();
        for length in [700, 512, 100] {
            assert!(verify(&manifest[..length], &[]).is_err());
        }
    }
}
