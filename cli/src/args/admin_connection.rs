//! `hoop admin create connection`.

use std::time::Duration;

use clap::Args as ClapArgs;
use hoop_domain::AuditLevel;

use super::duration;

/// What, where, and for whom.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  hoop admin create connection pg-prod -a dev -t postgres -e HOST=db.internal -e USER=app \\
      --secret-stdin PASS --group engineers < password.txt
  hoop admin create connection my-service -a dev -t tcp -e HOST=10.0.0.7 -e PORT=9000
  hoop admin create connection bash-prod -a dev -t command-line --command bash -l
  hoop admin create connection kube -a dev -t command-line --idle-timeout 15m \\
      --secret-file filesystem:KUBECONFIG=kubeconfig.yaml --command bash
  hoop admin create connection pg-prod -a dev -t postgres --overwrite --group engineers,dba
  hoop admin create connection pg-prod -a dev -t postgres --overwrite --reviewers dba-leads \\
      --access-max 4h

Give what is secret with --secret-file or --secret-stdin: other people on this machine can read
the arguments of a command. With --overwrite, secrets that are not given stay as they are; so do
groups, modes, reviewers, limits, audit level and command.")]
pub(crate) struct CreateConnection {
    /// Its name; what psql names as the database.
    pub(crate) name: String,
    /// The agent that reaches the target.
    #[arg(short, long)]
    pub(crate) agent: String,
    /// postgres, mysql, command-line or tcp.
    #[arg(short = 't', long = "type", value_name = "TYPE")]
    pub(crate) kind: String,
    /// A secret or setting; several times for several. Databases need HOST, USER and PASS, and
    /// may have PORT, DB, SSLMODE and SSLROOTCERT; tcp needs HOST and PORT. The program of a
    /// command-line connection gets them as variables.
    #[arg(short = 'e', long, value_name = "NAME=VALUE")]
    pub(crate) secret: Vec<String>,
    /// A secret that is a file's content. With filesystem: before NAME, the command of a
    /// command-line connection gets it as a file again, and its path as NAME.
    #[arg(long, value_name = "NAME=PATH")]
    pub(crate) secret_file: Vec<String>,
    /// A secret that is read from standard input, without its last line break.
    #[arg(long, value_name = "NAME")]
    pub(crate) secret_stdin: Option<String>,
    /// A group that may use it; several times for several. Without any, only administrators may.
    #[arg(long = "group", visible_alias = "groups", value_name = "NAME", value_delimiter = ',')]
    pub(crate) groups: Vec<String>,
    /// How it may be used. [default: connect,exec,runbooks]
    #[arg(long, value_name = "MODE", value_delimiter = ',', value_parser = ["connect", "exec", "runbooks"])]
    pub(crate) access_modes: Vec<String>,
    /// A group that has to approve what is done with it; several times for several.
    #[arg(long, value_name = "GROUP", value_delimiter = ',')]
    pub(crate) reviewers: Vec<String>,
    /// How many of the reviewers' groups have to approve. [default: all]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) min_approvals: Option<u32>,
    /// A group of which one member may approve alone.
    #[arg(long, value_name = "GROUP", value_delimiter = ',')]
    pub(crate) force_approvers: Vec<String>,
    /// The longest time that an approval holds. [default: 48h]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub(crate) access_max: Option<Duration>,
    /// The time that is approved when nobody asks for another. [default: 30m]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub(crate) jit_access: Option<Duration>,
    /// Nobody has to approve it any more.
    #[arg(long, conflicts_with = "reviewers")]
    pub(crate) no_reviewers: bool,
    /// A session ends after this time. [default: never]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub(crate) max_session: Option<Duration>,
    /// A session ends after this time without data. [default: never]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub(crate) idle_timeout: Option<Duration>,
    /// How many live sessions all users together may have. [default: any number]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) max_sessions: Option<u32>,
    /// How many live sessions one user may have. [default: any number]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) max_sessions_per_user: Option<u32>,
    /// What has to be true of a packet before it is passed on: the broker has it (strict),
    /// the audit-writer has it on its disk (synced), or nothing yet, for a small window
    /// (windowed). [default: strict]
    #[arg(long, value_name = "LEVEL", value_parser = AuditLevel::ALL.map(AuditLevel::as_str))]
    pub(crate) audit_level: Option<String>,
    /// Changes the connection when there is one.
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// What a command-line connection runs, and its arguments: takes all that follows.
    #[arg(long, value_name = "PROGRAM", num_args = 1.., allow_hyphen_values = true)]
    pub(crate) command: Vec<String>,
}
