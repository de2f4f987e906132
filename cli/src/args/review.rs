//! `hoop review …`.

use clap::{Args as ClapArgs, Subcommand};

use super::Page;

#[derive(Debug, Subcommand)]
pub(crate) enum Review {
    /// Lists requests for access, the newest first: yours, and those that you may decide about.
    List(ReviewList),
    /// Shows one request, with what would be run.
    #[command(after_help = "Example:\n  hoop review get 0198f3c2-… -o json")]
    Get {
        /// The request's id.
        id: String,
    },
    /// Approves a request, for each of your groups that it waits for.
    Approve(Approve),
    /// Rejects a request, or withdraws your own.
    #[command(after_help = "\
Examples:
  hoop review reject 0198f3c2-… --reason 'not on a Friday'")]
    Reject(Stop),
    /// Takes an approval back and ends the sessions that stand on it.
    #[command(after_help = "\
Examples:
  hoop review revoke 0198f3c2-… --reason 'the incident is over'")]
    Revoke(Stop),
}

/// Which request, and why not.
#[derive(Debug, ClapArgs)]
pub(crate) struct Stop {
    /// The request's id.
    pub(crate) id: String,
    /// What the one who asked is told.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(crate) reason: String,
}

/// Which requests.
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = "\
Examples:
  hoop review list --status pending
  hoop review list --connection pg-prod --limit 100 -o json")]
pub(crate) struct ReviewList {
    /// With this status: pending, approved, rejected, revoked, processing or executed.
    #[arg(long)]
    pub(crate) status: Option<String>,
    /// Of this type: onetime (a command) or jit (sessions, for a time).
    #[arg(long = "type", value_name = "TYPE", value_parser = ["onetime", "jit"])]
    pub(crate) kind: Option<String>,
    /// Of this user: an e-mail address or an id.
    #[arg(long)]
    pub(crate) user: Option<String>,
    /// For this connection.
    #[arg(long)]
    pub(crate) connection: Option<String>,
    #[command(flatten)]
    pub(crate) page: Page,
}

/// Which request, and on what terms.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  hoop review approve 0198f3c2-…
  hoop review approve 0198f3c2-… --from 22:00 --to 06:00
  hoop review approve 0198f3c2-… --force

The time that is granted counts from the last approval that was needed. Nobody approves their
own request.")]
pub(crate) struct Approve {
    /// The request's id.
    pub(crate) id: String,
    /// The approval holds from this time of the day on, in UTC; all day when left out.
    #[arg(long, value_name = "HH:MM", requires = "to")]
    pub(crate) from: Option<String>,
    /// The approval holds until this time of the day, in UTC, which may be after midnight.
    #[arg(long, value_name = "HH:MM", requires = "from")]
    pub(crate) to: Option<String>,
    /// Decides alone, as a member of one of the connection's groups that may.
    #[arg(long)]
    pub(crate) force: bool,
}
