//! `hoop runbooks …`.

use clap::{Args as ClapArgs, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Runbooks {
    /// Lists the runbooks of a connection, with what each asks for.
    #[command(after_help = "\
Examples:
  hoop runbooks list pg-prod
  hoop runbooks list pg-prod -o json

A line for each parameter of each runbook. What has an ERROR can't be run.")]
    List {
        /// The connection's name.
        connection: String,
    },
    /// Fills in a runbook, runs it and ends with its exit code.
    Run(RunbooksRun),
}

/// Which runbook, where, and with what.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  hoop runbooks run pg-prod team/unlock-user.runbook.sql -p email=ann@example.com
  hoop runbooks run bash-prod reindex.runbook.sh --wait
  hoop runbooks run pg-prod report.runbook.sql -p month=2026-11 -o json

What it prints, of both its outputs, is on standard output, and its exit code is the exit code
of this command. 254: it could not be run, was lost, or still runs. Ctrl-C does not stop it:
`hoop sessions kill ID` does. Without --wait it is waited for at most 50 s, and at most 1 MiB
of its output is shown; with --wait at most 16 MiB.

Where somebody has to approve commands, they are shown this one as it is filled in, and it runs
once when they have: `hoop review approve ID`.")]
pub(crate) struct RunbooksRun {
    /// The connection's name.
    pub(crate) connection: String,
    /// The runbook, as `hoop runbooks list` names it.
    pub(crate) file: String,
    /// What to fill in for a parameter; several times for several.
    #[arg(short, long = "parameter", value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) parameters: Vec<(String, String)>,
    /// Waits for its end, however long that takes.
    #[arg(long)]
    pub(crate) wait: bool,
}

/// Reads `NAME=VALUE`; the value may be empty, and have a `=` in it.
fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        // It may be a secret, so what was typed is not repeated.
        _ => Err("it looks like NAME=VALUE".to_owned()),
    }
}
