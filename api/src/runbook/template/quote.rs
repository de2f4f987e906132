//! Values as text of what reads them: nothing in a value ends the quotes around it.

use hoop_domain::ConnectionType;

/// Who reads the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quoting {
    /// PostgreSQL, where `\` means nothing in quotes (`standard_conforming_strings`).
    Postgres,
    /// MySQL, where it does.
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

    /// In single quotes: a value.
    pub(super) fn single(self, value: &str) -> String {
        let value = match self {
            Self::Postgres => value.replace('\'', "''"),
            Self::Mysql => value.replace('\\', r"\\").replace('\'', "''"),
            Self::Shell => value.replace('\'', r"'\''"),
        };
        format!("'{value}'")
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
