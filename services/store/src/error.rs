//! What can go wrong with a query, whatever the query.

use sqlx::error::ErrorKind;

/// Why a query has no result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such row, or it is another organisation's.
    #[error("there is no such {what}")]
    NotFound {
        /// The kind of thing, such as `agent`.
        what: &'static str,
    },
    /// Something of that name is there already, or is still needed.
    #[error("{what}")]
    Conflict {
        /// A sentence for the person who asked.
        what: &'static str,
    },
    /// It is of another version than who changes it thinks.
    #[error("the {what} was changed meanwhile")]
    Changed {
        /// The kind of thing.
        what: &'static str,
    },
    /// The database can't be reached, or is too busy.
    #[error("the database is not available")]
    Unavailable(#[source] sqlx::Error),
    /// The database refuses a query or holds what this version can't read.
    #[error("the database does not fit this version: {what}")]
    Corrupt {
        /// What was being read or done.
        what: &'static str,
        /// The cause, where there is one.
        #[source]
        source: Option<sqlx::Error>,
    },
}

impl Error {
    /// Why a thing that was there, of the version `found`, was not changed.
    pub(crate) fn of_version(what: &'static str, found: i32, wanted: Option<&[i32]>) -> Self {
        match wanted {
            Some(wanted) if !wanted.contains(&found) => Self::Changed { what },
            _ => Self::NotFound { what },
        }
    }

    /// A value in the database that is not what it must be.
    pub(crate) const fn corrupt(what: &'static str) -> Self {
        Self::Corrupt { what, source: None }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::RowNotFound => Self::NotFound { what: "row" },
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Unavailable(error),
            // A text with a NUL, which PostgreSQL can't hold: nothing is called that.
            sqlx::Error::Database(cause) if cause.code().as_deref() == Some("22021") => {
                Self::NotFound { what: "row" }
            }
            sqlx::Error::Database(cause) if passing(cause.code().as_deref()) => {
                Self::Unavailable(error)
            }
            _ => Self::Corrupt { what: "a query failed", source: Some(error) },
        }
    }
}

/// SQLSTATE classes that go away by themselves: connection, resources, operator intervention,
/// serialization and deadlock.
fn passing(code: Option<&str>) -> bool {
    code.is_some_and(|code| ["08", "53", "57", "40"].iter().any(|class| code.starts_with(class)))
}

/// Turns a violated constraint into a conflict, at the call that can violate it.
pub(crate) trait OnConstraint<T> {
    /// Returns [`Error::Conflict`] with `what` when the constraint or index `name` was violated.
    fn on_constraint(self, name: &str, what: &'static str) -> Result<T, Error>;
    /// Returns [`Error::Conflict`] with `what` when a row that is referred to is missing or needed.
    fn on_reference(self, what: &'static str) -> Result<T, Error>;
}

impl<T> OnConstraint<T> for Result<T, sqlx::Error> {
    fn on_constraint(self, name: &str, what: &'static str) -> Result<T, Error> {
        self.map_err(|error| match &error {
            sqlx::Error::Database(cause) if cause.constraint() == Some(name) => {
                Error::Conflict { what }
            }
            _ => error.into(),
        })
    }

    fn on_reference(self, what: &'static str) -> Result<T, Error> {
        self.map_err(|error| match &error {
            sqlx::Error::Database(cause) if cause.kind() == ErrorKind::ForeignKeyViolation => {
                Error::Conflict { what }
            }
            _ => error.into(),
        })
    }
}
