//! The open sessions that something is stored of, from the API, a page at a time.

use std::collections::VecDeque;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::api::Api;

/// An open session, as the gateway lists it.
#[derive(Debug, Deserialize)]
pub(super) struct Open {
    pub(super) session: String,
    /// Whether the gateway has a checkpoint of it. Which one comes with the evidence.
    signed: Option<serde::de::IgnoredAny>,
}

impl Open {
    pub(super) const fn signed(&self) -> bool {
        self.signed.is_some()
    }
}

/// Reads the list in order.
pub(super) struct OpenSessions<'a> {
    api: &'a Api,
    after: Option<String>,
    page: VecDeque<Open>,
    more: bool,
}

#[derive(Debug, Deserialize)]
struct Page {
    data: VecDeque<Open>,
    has_next_page: bool,
}

impl<'a> OpenSessions<'a> {
    pub(super) const fn new(api: &'a Api) -> Self {
        Self { api, after: None, page: VecDeque::new(), more: true }
    }

    /// The next one; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Open>> {
        if self.page.is_empty() && self.more {
            let mut query = vec![("limit", "1000".to_owned())];
            query.extend(self.after.take().map(|after| ("after", after)));
            let answer = self.api.get(&["audit", "checkpoints"], &query).await?;
            let page: Page =
                serde_json::from_value(answer).context("the gateway's list of open sessions")?;
            self.after = page.data.back().map(|last| last.session.clone());
            (self.page, self.more) = (page.data, page.has_next_page);
        }
        Ok(self.page.pop_front())
    }
}
