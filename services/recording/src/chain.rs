//! The chain of an organisation's manifests: each names the digest of the one before.

use hoop_domain::manifest::Manifest;

use crate::Finding;

/// How far a chain has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The position of the last manifest; 0 when there is none.
    pub position: u64,
    /// Its digest; zeros when there is none.
    pub digest: [u8; 32],
}

impl Head {
    /// Before the first manifest.
    pub const START: Self = Self { position: 0, digest: [0; 32] };
}

/// Takes manifests in order and notices what is missing between them.
///
/// The end of a chain can be cut off without a trace in what is left: whoever wants to notice
/// that keeps the [`Head`] of an earlier look, and gives it to [`ManifestChain::reached`].
#[derive(Debug)]
pub struct ManifestChain(Head);

impl ManifestChain {
    /// What follows must follow `head`, whose manifest is trusted.
    #[must_use]
    pub const fn after(head: Head) -> Self {
        Self(head)
    }

    /// The end so far.
    #[must_use]
    pub const fn head(&self) -> Head {
        self.0
    }

    /// What is found at the next `position`: `encoded`, which is `manifest` if it is one at all.
    /// What is wrong with its place.
    pub fn add(
        &mut self,
        position: u64,
        manifest: Option<&Manifest>,
        encoded: &str,
    ) -> Vec<Finding> {
        let mut findings = Vec::new();
        let Head { position: last, digest } = self.0;
        let next = last.saturating_add(1);
        if let Some(manifest) = manifest.filter(|manifest| manifest.position != position) {
            findings.push(Finding::ManifestMoved { found: position, claimed: manifest.position });
        }
        if next < position {
            findings.push(Finding::ManifestsMissing { first: next, last: position - 1 });
        } else if manifest.is_some_and(|manifest| manifest.previous != digest) {
            findings.push(Finding::ManifestReplaced(last));
        }
        self.0 = Head { position, digest: Manifest::digest(encoded) };
        findings
    }

    /// Compares the end with one that was known before, or that the gateway has noted apart.
    #[must_use]
    pub fn reached(&self, known: Head) -> Option<Finding> {
        let Head { position: found, digest } = self.0;
        if found < known.position {
            Some(Finding::ChainCutOff { found, known: known.position })
        } else if found == known.position && digest != known.digest {
            Some(Finding::ManifestReplaced(found))
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use hoop_domain::{Both, Chain, EndReason, OrgId, SessionId, manifest::WaySummary};

    use super::*;

    fn manifest(head: Head) -> Manifest {
        let way = WaySummary { packets: 0, last_seq: 0, chain: Chain::from([0; 32]) };
        Manifest {
            session: SessionId::generate(),
            org: OrgId::generate(),
            position: head.position + 1,
            previous: head.digest,
            reason: EndReason::ClientClosed,
            begun_at: hoop_domain::time::from_micros(1),
            ended_at: hoop_domain::time::from_micros(2),
            ways: Both { inward: way, outward: way },
            segments: vec![],
            flaws: vec![],
        }
    }

    fn chain_of(length: usize) -> Vec<Manifest> {
        let mut chain = ManifestChain::after(Head::START);
        let mut manifests = Vec::new();
        for _ in 0..length {
            let next = manifest(chain.head());
            assert_eq!(chain.add(next.position, Some(&next), &next.encode()), []);
            manifests.push(next);
        }
        manifests
    }

    fn findings(manifests: &[Manifest]) -> Vec<Finding> {
        let mut chain = ManifestChain::after(Head::START);
        let each =
            manifests.iter().map(|next| chain.add(next.position, Some(next), &next.encode()));
        each.flatten().collect()
    }

    #[test]
    fn a_manifest_that_was_taken_out_is_missed() {
        let mut manifests = chain_of(5);
        manifests.drain(1..3);
        assert_eq!(findings(&manifests), [Finding::ManifestsMissing { first: 2, last: 3 }]);
    }

    #[test]
    fn a_manifest_that_was_replaced_is_named() {
        let mut manifests = chain_of(3);
        manifests[1].session = SessionId::generate();
        assert_eq!(findings(&manifests), [Finding::ManifestReplaced(2)]);
    }

    #[test]
    fn what_is_missing_before_something_unreadable_is_missed_all_the_same() {
        let mut chain = ManifestChain::after(Head::START);
        let missing = Finding::ManifestsMissing { first: 1, last: u64::MAX - 1 };
        assert_eq!(chain.add(u64::MAX, None, "noise"), [missing]);
        assert_eq!(chain.add(u64::MAX, None, "noise"), []);
    }

    #[test]
    fn a_manifest_in_anothers_place_is_named() {
        let manifests = chain_of(2);
        let mut chain = ManifestChain::after(Head::START);
        assert_eq!(chain.add(1, Some(&manifests[0]), &manifests[0].encode()), []);
        let twice = chain.add(2, Some(&manifests[0]), &manifests[0].encode());
        let moved = Finding::ManifestMoved { found: 2, claimed: 1 };
        assert_eq!(twice, [moved, Finding::ManifestReplaced(1)]);
    }

    #[test]
    fn who_knows_an_earlier_end_notices_what_was_cut_off() {
        let manifests = chain_of(4);
        let mut chain = ManifestChain::after(Head::START);
        let mut ends = vec![];
        for next in &manifests {
            let _ = chain.add(next.position, Some(next), &next.encode());
            ends.push(chain.head());
        }
        assert_eq!(chain.reached(ends[1]), None);
        let shorter = ManifestChain::after(ends[1]);
        assert_eq!(shorter.reached(ends[3]), Some(Finding::ChainCutOff { found: 2, known: 4 }));
        let other = Head { digest: [1; 32], ..ends[1] };
        assert_eq!(shorter.reached(other), Some(Finding::ManifestReplaced(2)));
    }
}
