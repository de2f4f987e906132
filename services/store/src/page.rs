//! Keyset paging: "what comes after this row", never "skip so many".

use std::{fmt, str::FromStr};

use uuid::Uuid;

/// Where the next page begins: after the row with this id. Opaque to clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor(Uuid);

/// Where the next page of a list by names begins: after this name. Opaque to clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameCursor(String);

/// A text that no page gave out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor; use next_cursor of the page before")]
pub struct InvalidCursor;

/// Some rows, and where to go on.
#[derive(Debug, Clone)]
pub struct Page<T, C = Cursor> {
    /// The rows.
    pub rows: Vec<T>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<C>,
}

/// Which rows of a list: at most so many, after these.
#[derive(Debug, Clone)]
pub struct Window<C = Cursor> {
    /// Where the page before ended; `None` for the first page.
    pub after: Option<C>,
    /// At most so many.
    pub limit: usize,
}

/// How many rows a query fetches for a page of `limit`: one more tells whether there is another.
pub(crate) fn fetched(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1)
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

impl<C> Window<C> {
    /// Every row.
    pub const ALL: Self = Self { after: None, limit: usize::MAX };

    /// As [`fetched`].
    pub(crate) fn fetched(&self) -> i64 {
        fetched(self.limit)
    }
}

impl Window<NameCursor> {
    /// The name that those that are wanted come after; nothing is called the empty name. Not an
    /// `Option`, so that a plan that is kept begins in the middle of the index, too.
    pub(crate) fn name(&self) -> &str {
        self.after.as_ref().map_or("", |cursor| cursor.0.as_str())
    }
}

impl<T, C> Page<T, C> {
    /// Makes a page of at most `limit` rows out of a query that fetched one more.
    pub(crate) fn of<K>(mut rows: Vec<T>, limit: usize, key: impl Fn(&T) -> K) -> Self
    where
        C: From<K>,
    {
        let more = limit < rows.len();
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|last| C::from(key(last)));
        Self { rows, next }
    }
}

impl From<Uuid> for Cursor {
    fn from(id: Uuid) -> Self {
        Self(id)
    }
}

impl From<String> for NameCursor {
    fn from(name: String) -> Self {
        Self(name)
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

impl fmt::Display for NameCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("n")?;
        self.0.bytes().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for NameCursor {
    type Err = InvalidCursor;
    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let hex = text.strip_prefix('n').ok_or(InvalidCursor)?;
        let byte = |digits| u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok();
        let bytes: Option<Vec<u8>> = hex.as_bytes().chunks(2).map(byte).collect();
        let name = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        // PostgreSQL holds no NUL. What is not written as above was not given out.
        let cursor = name.filter(|name| !name.is_empty() && !name.contains('\0')).map(Self);
        cursor.filter(|cursor| cursor.to_string() == text).ok_or(InvalidCursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_a_next_one_only_when_a_row_was_left_over() {
        let rows: Vec<Uuid> = (0..3).map(|_| Uuid::now_v7()).collect();
        let page: Page<Uuid> = Page::of(rows.clone(), 2, |id| *id);
        assert_eq!(page.rows, rows[..2]);
        assert_eq!(page.next, Some(Cursor::after(rows[1])));
        let whole: Page<Uuid> = Page::of(rows, 3, |id| *id);
        assert_eq!(whole.next, None);
    }

    #[test]
    fn a_cursor_survives_text_and_nothing_else_is_one() {
        let cursor = Cursor::after(Uuid::now_v7());
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for text in ["", "k", "kk", "1 OR 1=1", &Uuid::now_v7().to_string()] {
            assert_eq!(text.parse::<Cursor>(), Err(InvalidCursor), "{text}");
        }
    }

    #[test]
    fn a_name_survives_as_a_cursor_and_nothing_else_is_one() {
        for name in ["a", "ann@example.com", "auth0|robot", "Zoë, <the> \"first\" & last"] {
            let cursor = NameCursor::from(name.to_owned());
            let text = cursor.to_string();
            assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{text}");
            assert_eq!(text.parse(), Ok(cursor));
        }
        for text in ["", "n", "n6", "n616", "n6A", "n+1", "n00", "n6100", "nff", "nzz", "61", "né"]
        {
            assert_eq!(text.parse::<NameCursor>(), Err(InvalidCursor), "{text}");
        }
        let id = Cursor::after(Uuid::now_v7()).to_string();
        assert_eq!(id.parse::<NameCursor>(), Err(InvalidCursor));
    }
}
