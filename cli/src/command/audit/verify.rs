//! `hoop audit verify`: files without a gateway, or what a gateway has. Either way it is
//! checked here; the gateway only hands over.

use std::{fs::File, path::Path};

use anyhow::{Context as _, Result};
use futures_util::TryStreamExt;
use hoop_domain::manifest::PublicKey;
use hoop_recording::{
    Finding, Head, ManifestChain, Signed,
    evidence::{self, Verdict},
};
use reqwest::Response;
use tokio_util::io::{StreamReader, SyncIoBridge};

use super::{
    checkpoints::Open,
    keys, log,
    manifests::{Entry, Item},
    pages::Pages,
    remembered,
    report::Report,
};
use crate::{
    api,
    args::{AuditVerify, Format},
    context::Context,
};

/// Files, one after another.
pub(super) async fn offline(wanted: &AuditVerify, format: Format) -> Result<u8> {
    let trusted = keys::read(&wanted.public_key)?;
    let mut report = Report::new(format == Format::Json, !trusted.is_empty());
    for path in &wanted.files {
        let name = path.display().to_string();
        let verdict = verify_file(path, trusted.clone()).await.with_context(|| name.clone())?;
        note(&mut report, &name, verdict)?;
    }
    report.finish()
}

/// One session, or all of them and the chain.
pub(super) async fn online(wanted: &AuditVerify, context: &Context) -> Result<u8> {
    let trusted = keys::read(&wanted.public_key)?;
    let mut report = Report::new(context.json(), !trusted.is_empty());
    match &wanted.session {
        Some(id) => {
            let response = context.api.stream(&["sessions", id, "evidence"], &()).await?;
            recording(id, response, &trusted, None, &mut report).await?;
        }
        None => {
            // In this order: what ends meanwhile is open here and not yet in the chain.
            open_sessions(&trusted, context, &mut report).await?;
            everything(wanted, &trusted, context, &mut report).await?;
            if wanted.since.is_none() {
                log::verify(&trusted, wanted.remember.as_deref(), context, &mut report).await?;
            }
        }
    }
    report.finish()
}

/// What is signed of sessions that are open.
async fn open_sessions(
    trusted: &[PublicKey],
    context: &Context,
    report: &mut Report,
) -> Result<()> {
    let mut sessions = Pages::<Open>::new(&context.api, None);
    while let Some(open) = sessions.next().await? {
        let id = &open.session;
        if !open.signed() {
            report.unchecked(id, &[Finding::CheckpointMissing])?;
            continue;
        }
        match context.api.stream(&["sessions", id, "evidence"], &()).await {
            Ok(response) => recording(id, response, trusted, None, report).await?,
            Err(api::Error::NotFound { message } | api::Error::Refused { message }) => {
                report.unchecked(id, &[Finding::RecordingMissing(message)])?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

async fn everything(
    wanted: &AuditVerify,
    trusted: &[PublicKey],
    context: &Context,
    report: &mut Report,
) -> Result<()> {
    let known = wanted.remember.as_deref().map(remembered::load).transpose()?.flatten();
    let mut manifests = Pages::<Item>::new(&context.api, wanted.since);
    let mut chain = None;
    while let Some(item) = manifests.next().await? {
        let entry = item.entry()?;
        // A part of the chain is checked from its first manifest on.
        let chain = chain.get_or_insert_with(|| begin(&entry, wanted.since.is_some()));
        let manifest = entry.signed.open(trusted);
        let readable = manifest.as_ref().ok().map(|(manifest, _)| manifest);
        report.chain(chain.add(entry.position, readable, &entry.signed.encoded))?;
        let ends = [known, manifests.end].into_iter().flatten();
        for end in ends.filter(|end| end.position == entry.position) {
            report.chain(chain.reached(end).into_iter().collect())?;
        }
        let id = &entry.session;
        match context.api.stream(&["sessions", id, "evidence"], &()).await {
            Ok(response) => recording(id, response, trusted, Some(&entry.signed), report).await?,
            // It is in the chain, so it was there.
            Err(api::Error::NotFound { message } | api::Error::Refused { message }) => {
                let mut findings = manifest.map_or_else(|wrong| wrong, |(_, wrong)| wrong);
                findings.push(Finding::RecordingMissing(message));
                report.unchecked(id, &findings)?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    let chain = chain.unwrap_or_else(|| ManifestChain::after(Head::START));
    let end = manifests.end.context("the gateway does not say where its chain ends")?;
    for end in known.into_iter().chain(wanted.since.is_none().then_some(end)) {
        if chain.head().position < end.position {
            report.chain(chain.reached(end).into_iter().collect())?;
        }
    }
    match &wanted.remember {
        // What is broken is to be noticed the next time, too.
        Some(path) if report.holds() => remembered::store(path, chain.head()),
        _ => Ok(()),
    }
}

fn begin(first: &Entry, part: bool) -> ManifestChain {
    let previous = hoop_domain::manifest::Manifest::parse(&first.signed.encoded);
    match previous {
        Ok(manifest) if part => ManifestChain::after(Head {
            position: manifest.position.saturating_sub(1),
            digest: manifest.previous,
        }),
        _ => ManifestChain::after(Head::START),
    }
}

/// Verifies the evidence of a session while it comes. Its manifest must be the one in the
/// chain: a gateway that is not to be trusted could show different ones.
async fn recording(
    id: &str,
    response: Response,
    trusted: &[PublicKey],
    chained: Option<&Signed>,
    report: &mut Report,
) -> Result<()> {
    let pieces = response.bytes_stream().map_err(std::io::Error::other);
    let (reader, keys) = (SyncIoBridge::new(StreamReader::new(pieces)), trusted.to_vec());
    let verdict = tokio::task::spawn_blocking(move || evidence::verify(reader, &keys)).await?;
    let verdict = verdict.with_context(|| format!("the evidence of {id} did not come whole"))?;
    if verdict.outcome.as_ref().is_ok_and(|checked| checked.session.to_string() != id) {
        let foreign = verdict.outcome.map(|checked| Finding::ForeignManifest(checked.session));
        return report.unchecked(id, &foreign.into_iter().collect::<Vec<_>>());
    }
    if let Some(chained) = chained.filter(|chained| **chained != verdict.signed) {
        let mut findings = vec![Finding::TwoManifests];
        findings.extend(chained.open(trusted).map_or_else(|wrong| wrong, |(_, wrong)| wrong));
        return report.unchecked(id, &findings);
    }
    note(report, id, verdict)
}

fn note(report: &mut Report, name: &str, verdict: Verdict) -> Result<()> {
    match verdict.outcome {
        Ok(checked) => report.checked(name, &checked),
        Err(findings) => {
            report.key(verdict.signed.public_key.id());
            report.unchecked(name, &findings)
        }
    }
}

async fn verify_file(path: &Path, trusted: Vec<PublicKey>) -> Result<Verdict> {
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || {
        let file = File::open(&path).context("it can't be read")?;
        Ok(evidence::verify(std::io::BufReader::new(file), &trusted)?)
    })
    .await?
}

#[cfg(test)]
mod tests {
    use hoop_domain::{
        Both, Chain, EndReason, OrgId, SessionId,
        manifest::{Manifest, SigningKey, WaySummary},
    };

    use super::*;

    fn signed(session: SessionId, position: u64) -> Signed {
        let key = SigningKey::from_seed(&[7; 32]).unwrap();
        let way = |direction| WaySummary {
            packets: 0,
            last_seq: 0,
            chain: Chain::start(session, direction),
        };
        let manifest = Manifest {
            session,
            org: OrgId::generate(),
            position,
            previous: [0; 32],
            reason: EndReason::ClientClosed,
            begun_at: hoop_domain::time::from_micros(1),
            ended_at: hoop_domain::time::from_micros(2),
            ways: Both::from_fn(way),
            segments: vec![],
            flaws: vec![],
        };
        let encoded = manifest.encode();
        let signature = key.sign(&encoded);
        Signed { encoded, signature, public_key: key.public_key() }
    }

    /// Whether it holds when the gateway hands over `shown` and has `chained` in the chain.
    async fn holds(session: SessionId, shown: &Signed, chained: &Signed) -> (bool, Vec<String>) {
        let archive = [evidence::heading(shown, None).unwrap(), evidence::ending()].concat();
        let response = Response::from(http::Response::new(archive));
        let mut report = Report::new(true, true);
        let (id, keys) = (session.to_string(), [shown.public_key]);
        recording(&id, response, &keys, Some(chained), &mut report).await.unwrap();
        (report.holds(), report.codes())
    }

    #[tokio::test]
    async fn a_gateway_that_shows_two_manifests_of_one_session_is_found_out() {
        let session = SessionId::generate();
        let (shown, chained) = (signed(session, 1), signed(session, 1));
        assert_eq!(holds(session, &shown, &shown).await, (true, vec![]));
        let found = holds(session, &shown, &chained).await;
        assert_eq!(found, (false, vec!["two_manifests".to_owned()]));
        let other = signed(SessionId::generate(), 1);
        let found = holds(session, &other, &other).await;
        assert_eq!(found, (false, vec!["foreign_manifest".to_owned()]));
    }
}
