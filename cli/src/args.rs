//! What can be typed.

mod account;
mod admin;
mod admin_connection;
mod admin_delete;
mod admin_get;
mod admin_notification;
mod admin_plugin;
mod admin_program;
mod audit;
mod configure;
mod duration;
pub(crate) mod moment;
mod open;
mod page;
mod review;
mod runbooks;
mod sessions;
#[cfg(test)]
mod tests;

use std::{ffi::OsString, path::PathBuf};

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

pub(crate) use account::*;
pub(crate) use admin::*;
pub(crate) use admin_connection::*;
pub(crate) use admin_delete::*;
pub(crate) use admin_get::*;
pub(crate) use admin_notification::*;
pub(crate) use admin_plugin::*;
pub(crate) use admin_program::*;
pub(crate) use audit::*;
pub(crate) use configure::*;
pub(crate) use open::*;
pub(crate) use page::*;
pub(crate) use review::*;
pub(crate) use runbooks::*;
pub(crate) use sessions::*;

/// Reach databases, services and terminals through the gateway.
#[derive(Debug, Parser)]
#[command(name = "hoop", version, max_term_width = 100, after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// How results are printed.
    #[arg(short, long, global = true, value_enum, default_value_t = Format::Table)]
    output: Format,
    /// Prints JSON, as -o json does.
    #[arg(long, global = true)]
    json: bool,
}

impl Args {
    /// How results are printed.
    pub(crate) const fn format(&self) -> Format {
        if self.json { Format::Json } else { self.output }
    }

    /// What was typed. `RESOURCE/NAME` stands for two words where a resource is named.
    pub(crate) fn typed() -> Self {
        Self::parse_from(spread(std::env::args_os().collect()))
    }
}

/// `hoop admin get agents/dev` as `hoop admin get agents dev`.
fn spread(arguments: Vec<OsString>) -> Vec<OsString> {
    let is = |word: Option<&OsString>, names: &[&str]| {
        word.and_then(|word| word.to_str()).is_some_and(|word| names.contains(&word))
    };
    let mut spread = Vec::with_capacity(arguments.len() + 1);
    for word in arguments {
        let mut before = spread.iter().rev();
        let takes_one = ["get", "delete", "test", "redrive", "reactivate"];
        let named = is(before.next(), &takes_one) && is(before.next(), &["admin"]);
        match word.to_str().and_then(|word| word.split_once('/')).filter(|_| named) {
            Some((resource, name)) => spread.extend([resource.into(), name.into()]),
            None => spread.push(word),
        }
    }
    spread
}

const EXAMPLES: &str = "\
Examples:
  hoop login --api-url https://hoop.example.com --email ada@example.com
  hoop connect pg-prod
  hoop exec bash-prod -- -c 'df -h'
  hoop sessions replay 0198f3c2-… --speed 4
  export HOOP_KEY=$(hoop admin create agent dev)

Settings are in ~/.hoop/config.toml. API_URL and HOOP_TOKEN take precedence over it.
OTEL_EXPORTER_OTLP_ENDPOINT=http://HOST:4317 sends traces to a collector.

Data goes to standard output, everything said about it to standard error. NO_COLOR turns
colours off; they are off, too, when the output is no terminal.

Exit codes:
  0    done
  1    failed; the reason is on standard error
  2    the arguments were not understood
  254  `hoop exec` could not run the command, or lost it; so with `hoop runbooks run`, or its
       command still runs
  130  `hoop exec` was interrupted twice
  141  `hoop exec`: nobody reads its output any more
Otherwise `hoop exec`, `hoop runbooks run` and `hoop connect` to a terminal end with the exit code
of the remote command: 127 when there is no such program, 128 and the signal's number when a signal
ended it.";

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Columns, for people.
    Table,
    /// More columns, where there are some.
    Wide,
    /// JSON, for programs.
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Prints the version.
    #[command(after_help = "Example:\n  hoop version -o json")]
    Version,
    /// Starts a gateway on this machine, or an agent.
    #[command(subcommand, after_help = "Example:\n  hoop start gateway")]
    Start(crate::command::start::Start),
    /// Settings of this command: where the gateway is.
    #[command(
        subcommand,
        after_help = "Example:\n  hoop config create --api-url https://hoop.example.com"
    )]
    Config(Config),
    /// Signs in and remembers it.
    Login(Login),
    /// Signs out: the token that was kept works no more.
    #[command(after_help = "\
Example:
  hoop logout

Sessions that the token opened end. `hoop config clear` forgets it here only.")]
    Logout,
    /// Looks after your account: password, second factor, tokens.
    #[command(subcommand, after_help = "Example:\n  hoop account password")]
    Account(Account),
    /// Looks for what is broken between here and the gateway, hop by hop.
    #[command(after_help = "\
Examples:
  hoop doctor
  hoop doctor --json
  LOG_GRPC=1 hoop doctor

Ends with 0 only when all is well. LOG_GRPC=1 logs what passes over HTTP/2 and gRPC.")]
    Doctor,
    /// Lists the connections that you may use.
    #[command(
        visible_alias = "ls",
        after_help = "Examples:\n  hoop list\n  hoop list -o wide\n  hoop list -o json"
    )]
    List,
    /// Shows a connection: what it is, how it may be used, and how to use it.
    #[command(after_help = "Examples:\n  hoop describe pg-prod\n  hoop describe pg-prod -o json")]
    Describe {
        /// Its name.
        connection: String,
    },
    /// Finds connections, agents and users by a part of their names.
    Search(Search),
    /// Opens a connection: a terminal for a command, a local port for anything else.
    Connect(Connect),
    /// Runs a command once and ends with its exit code.
    Exec(Exec),
    /// Lists and runs what somebody wrote for a connection, with places to fill in.
    #[command(subcommand, after_help = "Example:\n  hoop runbooks list pg-prod")]
    Runbooks(Runbooks),
    /// Looks at requests for access, approves and rejects them.
    #[command(subcommand, after_help = "Example:\n  hoop review list --status pending")]
    Review(Review),
    /// Looks at sessions, replays, follows and ends them.
    #[command(subcommand, after_help = "Example:\n  hoop sessions list --status open")]
    Sessions(Sessions),
    /// Verifies recordings, on this machine; for auditors.
    #[command(
        subcommand,
        after_help = "Example:\n  hoop audit verify --since 2026-11-01T00:00:00Z"
    )]
    Audit(Audit),
    /// Manages the gateway; for administrators.
    #[command(subcommand, after_help = "Example:\n  hoop admin get agents")]
    Admin(Box<Admin>),
    /// Prints what a shell needs to complete commands.
    #[command(after_help = "\
Examples:
  hoop completion bash > ~/.local/share/bash-completion/completions/hoop
  hoop completion zsh > ~/.zfunc/_hoop
  hoop completion fish > ~/.config/fish/completions/hoop.fish")]
    Completion {
        /// Which shell.
        shell: Shell,
    },
    /// Prints the manual page, or writes one for each command.
    Man(Man),
}

/// What to look for.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  hoop search prod
  hoop search ann@ --json

Agents and users are found for auditors and administrators.")]
pub(crate) struct Search {
    /// A part of a name, in capitals or not.
    pub(crate) term: String,
    /// How many of each kind at most, 1 to 100.
    #[arg(long, default_value_t = 20)]
    pub(crate) limit: u16,
}

/// Where the pages go.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  hoop man | man -l -
  hoop man --dir ~/.local/share/man/man1")]
pub(crate) struct Man {
    /// Writes the page of each command into this folder.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) dir: Option<PathBuf>,
}
