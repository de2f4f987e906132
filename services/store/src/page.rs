//! Keyset paging: "what comes after this row", never "skip so many".

use std::{fmt, str::FromStr};

use uuid::Uuid;

/// Where the next page begins: after the row with this id. Opaque to clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor(Uuid);

/// A text that no page gave out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor; use next_cursor of the page before")]
pub struct InvalidCursor;

/// Some rows, and where to go on.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<Cursor>,
}

impl Cursor {
    /// The cursor after the row with `id`.
    #[must_use]
    pub const fn after(id: Uuid) -> Self {
        Self(id)
    }

    /// The id.
    #[must_use]
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl<T> Page<T> {
    /// Makes a page of at most `limit` rows out of a query that fetched one more.
    pub(crate) fn of(mut rows: Vec<T>, limit: usize, id: impl Fn(&T) -> Uuid) -> Self {
        let more = limit < rows.len();
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|last| Cursor(id(last)));
        Self { rows, next }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "k{}", self.0.simple())
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;
    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let hex = text.strip_prefix('k').ok_or(InvalidCursor)?;
        Uuid::try_parse(hex).map(Self).map_err(|_| InvalidCursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_a_next_one_only_when_a_row_was_left_over() {
        let rows: Vec<Uuid> = (0..3).map(|_| Uuid::now_v7()).collect();
        let page = Page::of(rows.clone(), 2, |id| *id);
        assert_eq!(page.rows, rows[..2]);
        assert_eq!(page.next, Some(Cursor::after(rows[1])));
        assert_eq!(Page::of(rows, 3, |id| *id).next, None);
    }

    #[test]
    fn a_cursor_survives_text_and_nothing_else_is_one() {
        let cursor = Cursor::after(Uuid::now_v7());
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for text in ["", "k", "kk", "1 OR 1=1", &Uuid::now_v7().to_string()] {
            assert_eq!(text.parse::<Cursor>(), Err(InvalidCursor), "{text}");
        }
    }
}
