//! What the client asked and the server has not answered yet.

use super::{
    Exchange,
    bind::Bind,
    kept::{Statement, Weighty},
};

/// One message of the client that the server answers.
#[derive(Debug)]
pub(super) enum Asked {
    /// Answered up to ReadyForQuery.
    Simple(Box<Exchange>),
    /// The same.
    Function(Box<Exchange>),
    /// Answered by ParseComplete.
    Parse { name: String, statement: Statement, at: i64 },
    /// Answered by BindComplete.
    Bind { bind: Bind, at: i64 },
    /// Answered by RowDescription or NoData, and ParameterDescription before it.
    Describe { target: Target, at: i64 },
    /// Answered by rows and CommandComplete, or one of its likes.
    Execute { portal: String, at: i64, running: Option<Box<Exchange>> },
    /// Answered by CloseComplete.
    Close { target: Target },
    /// Answered by ReadyForQuery.
    Sync,
}

/// What a Describe or Close is about.
#[derive(Debug, Clone)]
pub(super) enum Target {
    /// A prepared statement.
    Statement(String),
    /// A portal.
    Portal(String),
}

impl Asked {
    /// Bytes of text in it.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Simple(exchange) => exchange.sql.len(),
            Self::Parse { name, statement, .. } => name.len() + statement.weight(),
            Self::Bind { bind, .. } => bind.weight(),
            Self::Execute { portal: name, .. }
            | Self::Describe { target: Target::Statement(name) | Target::Portal(name), .. }
            | Self::Close { target: Target::Statement(name) | Target::Portal(name) } => name.len(),
            Self::Function(_) | Self::Sync => 0,
        }
    }

    pub(super) fn shorten(&mut self) {
        match self {
            Self::Simple(exchange) => {
                let mut statement = Statement {
                    sql: std::mem::take(&mut exchange.sql),
                    truncated: exchange.truncated,
                    types: Vec::new(),
                };
                statement.shorten();
                exchange.sql = statement.sql;
                exchange.truncated = statement.truncated;
            }
            Self::Parse { statement, .. } => statement.shorten(),
            Self::Bind { bind, .. } => bind.shorten(),
            Self::Function(_)
            | Self::Describe { .. }
            | Self::Execute { .. }
            | Self::Close { .. }
            | Self::Sync => {}
        }
    }
}
