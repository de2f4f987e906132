//! `hoop sessions …`.

use std::{path::PathBuf, time::Duration};

use chrono::{DateTime, Utc};
use clap::{Args as ClapArgs, Subcommand, ValueEnum};

use super::{Page, duration, moment};

#[derive(Debug, Subcommand)]
pub(crate) enum Sessions {
    /// Lists sessions, the newest first.
    List(SessionsList),
    /// Shows one session.
    #[command(after_help = "Example:\n  hoop sessions get 0198f3c2-… -o json")]
    Get {
        /// The session's id.
        id: String,
    },
    /// Shows a session again, as it happened.
    Replay(Replay),
    /// Follows a running session, from its beginning.
    #[command(after_help = "\
Examples:
  hoop sessions tail 0198f3c2-…
  hoop sessions tail 0198f3c2-… -o json | jq .kind")]
    Tail {
        /// The session's id.
        id: String,
    },
    /// Downloads a recording.
    Download(Download),
    /// Ends a running session at once.
    #[command(after_help = "\
Examples:
  hoop sessions kill 0198f3c2-…
  hoop sessions kill 0198f3c2-… --reason 'maintenance begins'")]
    Kill {
        /// The session's id.
        id: String,
        /// What its user is told beside who did it; it is kept with the session.
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
}

/// Which sessions.
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = "\
Examples:
  hoop sessions list --status open
  hoop sessions list --connection pg-prod --limit 100 -o json
  hoop sessions list --type database --verb exec --since 2h
  hoop sessions list --user ann@example.com --since 2026-11-01 --until 2026-12-01 --count

Times are RFC 3339, a day, or how long ago, such as 2h.")]
pub(crate) struct SessionsList {
    /// Of this user: an e-mail address or an id.
    #[arg(long)]
    pub(crate) user: Option<String>,
    /// To this connection.
    #[arg(long)]
    pub(crate) connection: Option<String>,
    /// Through this agent: a name or an id.
    #[arg(long)]
    pub(crate) agent: Option<String>,
    /// To connections of this type: database, application or custom, or postgres, mysql, tcp or
    /// command-line.
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) kind: Option<String>,
    /// Opened by this verb: connect or exec.
    #[arg(long)]
    pub(crate) verb: Option<String>,
    /// In this state: opening, open or done.
    #[arg(long)]
    pub(crate) status: Option<String>,
    /// Begun then or later.
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    pub(crate) since: Option<DateTime<Utc>>,
    /// Begun before then.
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    pub(crate) until: Option<DateTime<Utc>>,
    /// Only says how many there are, up to 10000.
    #[arg(long, conflicts_with_all = ["limit", "cursor"])]
    pub(crate) count: bool,
    #[command(flatten)]
    pub(crate) page: Page,
}

/// Which session, and how fast.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  hoop sessions replay 0198f3c2-…
  hoop sessions replay 0198f3c2-… --speed 4 --max-idle 2s
  hoop sessions replay 0198f3c2-… --no-wait > transcript.txt

Terminals and commands are shown as they looked; of a database session its statements.
A recording has what the remote side wrote, so make sure that your terminal may show it.")]
pub(crate) struct Replay {
    /// The session's id.
    pub(crate) id: String,
    /// How many times faster than it happened.
    #[arg(long, value_parser = duration::speed, default_value = "1")]
    pub(crate) speed: f64,
    /// No pause is longer than this; each is as long as it was when left out.
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub(crate) max_idle: Option<Duration>,
    /// Shows everything at once.
    #[arg(long, conflicts_with_all = ["speed", "max_idle"])]
    pub(crate) no_wait: bool,
}

/// Which recording, as what, and where to.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  hoop sessions download 0198f3c2-… > recording.jsonl
  hoop sessions download 0198f3c2-… --format raw-out --file output.bin
  hoop sessions download 0198f3c2-… --format sql | less
  hoop sessions download 0198f3c2-… --format asciicast --file shell.cast

For a file that can be verified, see `hoop audit export`.")]
pub(crate) struct Download {
    /// The session's id.
    pub(crate) id: String,
    /// As what.
    #[arg(long, value_enum, default_value_t = DownloadFormat::Jsonl)]
    pub(crate) format: DownloadFormat,
    /// Into this file, instead of standard output.
    #[arg(long, value_name = "PATH")]
    pub(crate) file: Option<PathBuf>,
}

/// What a recording is downloaded as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DownloadFormat {
    /// A packet a line, as JSON.
    Jsonl,
    /// A terminal session for `asciinema play`.
    Asciicast,
    /// The statements of a PostgreSQL session, with what came of each.
    Sql,
    /// The bytes that the user sent.
    RawIn,
    /// The bytes that the user got.
    RawOut,
}
