//! Connections as a list: bare, or with the number of its page, as older clients may ask for it.

use serde::Serialize;
use utoipa::ToSchema;

use super::{ConnectionQuery, ConnectionResponse};
use crate::{Error, error::Result};

const USUAL: u32 = 20;
const LARGEST: u32 = 100;

/// What is listed.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum ConnectionList {
    /// Where no page is asked for by its number.
    Bare(Vec<ConnectionResponse>),
    /// Where `page` or `page_size` is given.
    Numbered(ConnectionPage),
}

/// A page with its number.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConnectionPage {
    /// Which page, and of how many things.
    pages: Pages,
    /// What is on it.
    data: Vec<ConnectionResponse>,
}

/// Which page, and of how many things.
#[derive(Serialize, ToSchema)]
struct Pages {
    /// How many there are on all pages.
    total: i64,
    /// The number of this one; the first is 1.
    page: u32,
    /// How many there are on a page.
    size: u32,
}

/// The page that is asked for by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Numbered {
    page: u32,
    size: u32,
}

impl Numbered {
    /// Nothing where no number is given.
    ///
    /// # Errors
    /// When there can't be such a page, or another way to cut the list is asked for, too.
    pub(super) fn read(query: &ConnectionQuery) -> Result<Option<Self>> {
        if query.page.is_none() && query.page_size.is_none() {
            return Ok(None);
        }
        let others = [("limit", query.limit.is_some()), ("cursor", query.cursor.is_some())];
        if let Some((field, _)) = others.into_iter().find(|(_, given)| *given) {
            return Err(Error::invalid(field, "does not go with page and page_size"));
        }
        let page @ 1..=u32::MAX = query.page.unwrap_or(1) else {
            return Err(Error::invalid("page", "is 1 or more"));
        };
        let size @ 1..=LARGEST = query.page_size.unwrap_or(USUAL) else {
            return Err(Error::invalid("page_size", format_args!("is 1 to {LARGEST}")));
        };
        Ok(Some(Self { page, size }))
    }

    /// How many there are on the pages before.
    pub(super) fn skipped(self) -> i64 {
        i64::from(self.page - 1) * i64::from(self.size)
    }

    /// How many there are on it at most.
    pub(super) fn most(self) -> i64 {
        self.size.into()
    }

    /// The page with what is on it.
    pub(super) fn with(self, total: i64, data: Vec<ConnectionResponse>) -> ConnectionList {
        let pages = Pages { total, page: self.page, size: self.size };
        ConnectionList::Numbered(ConnectionPage { pages, data })
    }
}
