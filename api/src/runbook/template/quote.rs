//! Values as text of what reads them: nothing in a value ends the quotes around it.

use hoop_domain::ConnectionType;

/// Who reads the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quoting {
    /// PostgreSQL, where `\` means something in quotes or not (`standard_conforming_strings`).
    Postgres,
    /// MySQL, where it does, unless its mode is `NO_BACKSLASH_ESCAPES`.
    Mysql,
    /// A shell, as POSIX has it. Other programs may read quotes in another way.
    Shell,
}

impl Quoting {
    /// Of a connection of this type.
    pub(crate) const fn of(kind: ConnectionType) -> Self {
        match kind {
            ConnectionType::Postgres => Self::Postgres,
            ConnectionType::Mysql => Self::Mysql,
            ConnectionType::CommandLine | ConnectionType::Tcp => Self::Shell,
        }
    }

    /// In single quotes: a value. Quotes are doubled, since `\'` ends the text where `\` means
    /// nothing. For PostgreSQL `E` says that `\` means something, whatever its settings are, and
    /// the space keeps that from what is before it, as libpq does it.
    pub(super) fn single(self, value: &str) -> String {
        let doubled = || value.replace('\\', r"\\").replace('\'', "''");
        match self {
            Self::Postgres if value.contains('\\') => format!(" E'{}'", doubled()),
            Self::Postgres | Self::Mysql => format!("'{}'", doubled()),
            Self::Shell => format!("'{}'", value.replace('\'', r"'\''")),
        }
    }

    /// A number. Behind a `-`, a negative one would begin a comment in SQL.
    pub(super) fn number(self, value: String) -> String {
        if self != Self::Shell && value.starts_with('-') { format!("({value})") } else { value }
    }

    /// In double quotes: the name of a column for PostgreSQL, a value for the others.
    pub(super) fn double(self, value: &str) -> String {
        let value = match self {
            Self::Postgres => value.replace('"', "\"\""),
            Self::Mysql => value.replace('\\', r"\\").replace('"', "\"\""),
            Self::Shell => {
                let special = |c| matches!(c, '\\' | '"' | '$' | '`');
                let escape = |c| special(c).then_some('\\').into_iter().chain([c]);
                value.chars().flat_map(escape).collect()
            }
        };
        format!("\"{value}\"")
    }
}
