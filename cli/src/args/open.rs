//! `hoop connect` and `hoop exec`.

use std::{path::PathBuf, time::Duration};

use clap::Args as ClapArgs;

use super::duration;

/// Which connection, and on which port.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  hoop connect pg-prod                    a port for psql, and a connection string with a
                                          credential that works until Ctrl-C
  hoop connect my-service --port 0        takes any free port and says which
  hoop connect bash-prod                  your terminal, on the agent's machine
  hoop connect bash-prod -- --norc        arguments for the remote command
  hoop connect pg-prod -d 15m             for a quarter of an hour

Where somebody has to approve it, this waits until they have. The time that they grant counts
from then on, for as many sessions as you like.

In a remote terminal every key goes to the other side, Ctrl-C included; leave it as you leave
a shell. Exit codes: the remote command's for a terminal, otherwise 0 after Ctrl-C, 1 when the
session ended for another reason.")]
pub(crate) struct Connect {
    /// The connection's name.
    pub(crate) connection: String,
    /// The local port; 0 for any that is free. [default: 5433 for postgres, 8999 otherwise]
    #[arg(short, long)]
    pub(crate) port: Option<u16>,
    /// How long the credential of a postgres connection works, and for how long access is asked
    /// for where somebody has to approve it. [default: 8h; 30m or what the connection says where
    /// somebody has to approve it]
    #[arg(short, long, value_name = "DURATION", value_parser = duration::parse)]
    pub(crate) duration: Option<Duration>,
    /// Arguments for the remote command.
    #[arg(last = true)]
    pub(crate) arguments: Vec<String>,
}

/// What to run, and with which input.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  hoop exec bash-prod -i 'uptime'
  hoop exec bash-prod -f deploy.sh
  hoop exec pg-prod -i 'select count(*) from customers'
  tar c folder | hoop exec bash-prod -- -c 'tar x -C /srv'
  hoop exec bash-prod -o json -- -c 'df -h'

Standard output and standard error of the remote command come out apart, and its exit code is
the exit code of this command. 254: it could not be run, or was lost. Ctrl-C stops it there;
a second one does not wait for that.

Where somebody has to approve commands, they are shown this one with all of its input (at most
256 KiB), and it runs once when they have: `hoop review approve ID`.")]
pub(crate) struct Exec {
    /// The connection's name.
    pub(crate) connection: String,
    /// What the remote command reads, instead of standard input.
    #[arg(short, long, value_name = "TEXT", conflicts_with = "file", allow_hyphen_values = true)]
    pub(crate) input: Option<String>,
    /// A file that the remote command reads, instead of standard input.
    #[arg(short, long, value_name = "PATH")]
    pub(crate) file: Option<PathBuf>,
    /// Arguments for the remote command.
    #[arg(last = true)]
    pub(crate) arguments: Vec<String>,
}
