//! The chain of manifests, from the API, a page at a time.

use std::collections::VecDeque;

use anyhow::{Context as _, Result, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use hoop_domain::manifest::PublicKey;
use hoop_recording::{Head, Signed};
use serde::Deserialize;

use crate::{api::Api, args::moment};

/// A manifest, and where the gateway says that it is.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) position: u64,
    pub(super) session: String,
    pub(super) signed: Signed,
}

/// Reads the chain in order.
pub(super) struct Manifests<'a> {
    api: &'a Api,
    since: Option<DateTime<Utc>>,
    after: u64,
    page: VecDeque<Item>,
    more: bool,
    /// Where the chain ends, as the gateway says; may move on while it is read.
    pub(super) end: Option<Head>,
}

#[derive(Debug, Deserialize)]
struct Page {
    data: VecDeque<Item>,
    end: End,
    has_next_page: bool,
}

#[derive(Debug, Deserialize)]
struct Item {
    position: u64,
    session: String,
    manifest: String,
    signature: String,
    public_key: String,
}

#[derive(Debug, Deserialize)]
struct End {
    position: u64,
    digest: String,
}

impl<'a> Manifests<'a> {
    pub(super) const fn new(api: &'a Api, since: Option<DateTime<Utc>>) -> Self {
        Self { api, since, after: 0, page: VecDeque::new(), more: true, end: None }
    }

    /// The next manifest; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Entry>> {
        if self.page.is_empty() && self.more {
            self.load().await?;
        }
        self.page.pop_front().map(entry).transpose()
    }

    async fn load(&mut self) -> Result<()> {
        let mut query = vec![("limit", "1000".to_owned()), ("after", self.after.to_string())];
        if let Some(since) = self.since {
            query.push(("since", moment::rfc3339(since)));
        }
        let answer = self.api.get(&["audit", "manifests"], &query).await?;
        let page: Page =
            serde_json::from_value(answer).context("the gateway's list of manifests")?;
        let digest = blake3::Hash::from_hex(&page.end.digest).context("the end of the chain")?;
        // The first page's: later ones may know of sessions that ended meanwhile.
        let end = Head { position: page.end.position, digest: *digest.as_bytes() };
        self.end.get_or_insert(end);
        // Whoever is audited must not keep the auditor busy for ever.
        ensure!(
            !page.has_next_page || page.data.back().is_some_and(|last| self.after < last.position),
            "the gateway's list of manifests does not go on"
        );
        self.after = page.data.back().map_or(self.after, |last| last.position);
        (self.page, self.more) = (page.data, page.has_next_page);
        Ok(())
    }
}

fn entry(item: Item) -> Result<Entry> {
    let wrong = || format!("the gateway's manifest at position {}", item.position);
    let signature = STANDARD.decode(&item.signature).with_context(wrong)?;
    let key = STANDARD.decode(&item.public_key).with_context(wrong)?;
    let key = <[u8; 32]>::try_from(key).ok().with_context(wrong)?;
    let signed = Signed { encoded: item.manifest, signature, public_key: PublicKey(key) };
    Ok(Entry { position: item.position, session: item.session, signed })
}
