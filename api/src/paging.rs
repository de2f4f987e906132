//! Which page of a list, as all lists ask for it: `limit` and `cursor`.

use hoop_store::Cursor;

use crate::{Error, error::Result};

const LIMIT: usize = 20;
const LARGEST_LIMIT: usize = 100;

/// How many rows, and after which.
pub(crate) fn page(limit: Option<usize>, cursor: Option<&str>) -> Result<(usize, Option<Cursor>)> {
    let limit @ 1..=LARGEST_LIMIT = limit.unwrap_or(LIMIT) else {
        return Err(Error::invalid("limit", "is 1 to 100"));
    };
    let cursor = cursor.map(str::parse).transpose();
    Ok((limit, cursor.map_err(|error| Error::invalid("cursor", error))?))
}
