//! What was recorded: downloaded, verified by the code of `hoop audit verify`, and read.

use std::io::Read;

use anyhow::{Context, Result, anyhow};
use hoop_domain::{
    Direction,
    manifest::{Manifest, PublicKey},
};
use hoop_proto::v1::{Packet, packet::Body};
use hoop_recording::{
    evidence,
    format::{Records, unpack},
};
use prost::Message;

use crate::Rest;

/// A finished recording.
#[derive(Debug)]
pub(super) struct Recorded {
    pub(super) session: String,
    /// Why it ended, as signed.
    pub(super) reason: String,
    pub(super) packets: u64,
    /// The data from the user.
    pub(super) input: Vec<u8>,
    /// The data from the target.
    pub(super) output: Vec<u8>,
    /// All that is wrong with it.
    pub(super) findings: Vec<String>,
}

/// Fetches the evidence of a session and verifies it.
pub(super) async fn fetch(rest: &Rest, session: &str, key: &str) -> Result<Recorded> {
    let mut archive = Vec::new();
    let path = format!("/api/sessions/{session}/evidence");
    rest.download(&path, |piece| archive.extend_from_slice(piece)).await?;
    let key = evidence::key(key).context("no public key")?;
    let session = session.to_owned();
    tokio::task::spawn_blocking(move || read(session, &archive, key)).await?
}

fn read(session: String, archive: &[u8], key: PublicKey) -> Result<Recorded> {
    let verdict = evidence::verify(archive, &[key])?;
    let (findings, packets) = match verdict.outcome {
        Ok(checked) => {
            let packets = checked.packets;
            (checked.findings, packets.get(Direction::In) + packets.get(Direction::Out))
        }
        Err(findings) => (findings, 0),
    };
    let mut recorded = Recorded {
        session,
        reason: String::new(),
        packets,
        input: Vec::new(),
        output: Vec::new(),
        findings: findings.iter().map(ToString::to_string).collect(),
    };
    let manifest = Manifest::parse(&verdict.signed.encoded);
    let manifest = manifest.map_err(|error| anyhow!("the manifest can't be read: {error}"))?;
    recorded.reason = manifest.reason.as_str().to_owned();
    let segments = tar::Archive::new(archive);
    let mut numbers = manifest.segments.iter();
    for entry in { segments }.entries()? {
        let mut entry = entry?;
        if !entry.path()?.starts_with("segments") {
            continue;
        }
        let size = numbers.next().context("more segments than were signed")?.raw_bytes;
        let mut stored = Vec::new();
        entry.read_to_end(&mut stored)?;
        for packet in Records::new(unpack(&stored, size)?) {
            recorded.take(Packet::decode(packet)?);
        }
    }
    Ok(recorded)
}

impl Recorded {
    fn take(&mut self, packet: Packet) {
        let into = match packet.travels() {
            Some(Direction::In) => &mut self.input,
            _ => &mut self.output,
        };
        if let Some(Body::Data(data) | Body::Stderr(data)) = packet.body {
            into.extend_from_slice(&data);
        }
    }
}
